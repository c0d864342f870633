/**
 * A broker in memory over any `Io`, for the tests of the client and of the mirror (`@meridian/client/testing`): topics,
 * produce, long-poll fetch, offsets and epochs, and hooks that make it misbehave. Its state outlives its processes.
 * Invariant: answers leave a connection in the order of its requests, as Kafka's do.
 */
import type { Connection, Io, Listener } from '@meridian/io';
import {
  APIS,
  type Api,
  ApiVersions,
  apiByKey,
  createFrameSplitter,
  decodeRequest,
  decodeRequestHeader,
  ERROR,
  encodeResponse,
  Fetch,
  Metadata,
  type ResponseInput,
  SaslAuthenticate,
  SaslHandshake,
  WIRE_CODEC_LEVEL,
} from '@meridian/protocol';
import type { SaslCredentials } from '../security.ts';
import { FakeGroups } from './fake-groups.ts';
import { FAKE_HANDLERS } from './fake-handlers.ts';
import { FakeLogin } from './fake-login.ts';
import { FakePartition } from './fake-partition.ts';
import { FakeSessions } from './fake-sessions.ts';

export interface FakeTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: FakePartition[];
  readonly configs: Map<string, string>;
}

/** What goes over the wire, or undefined: the records as they lie. `codec`: 0 where nobody wants them compressed. */
export type Packer = (plain: Buffer, codec: number) => Packed | undefined;

export interface Packed {
  readonly block: Buffer;
  readonly codec: number;
  readonly sizeInBytes: number;
}

export interface FakeBrokerOptions {
  readonly host: string;
  readonly port: number;
  /** Default 1. */
  readonly nodeId?: number;
  /** Another broker of the same cluster: they have their logs in common, each as if it had replicated them. */
  readonly beside?: FakeBroker;
  readonly features?: readonly string[];
  /** Of each of them. */
  readonly level?: number;
  /** Wanted of the user `internal`. */
  readonly secret?: string;
  /** Whom it lets in, instead. */
  readonly sasl?: SaslCredentials;
  /** APIs that the test serves itself, by name. */
  readonly serves?: Readonly<Record<string, (body: never, version: number) => unknown>>;
}

/** Looks at a request first: `drop` closes the connection without an answer, a number fails every partition with it. */
export type Interceptor = (api: string) => 'drop' | number | undefined;

export class FakeBroker {
  readonly topics: Map<string, FakeTopic>;
  readonly groups: FakeGroups;
  /** Of the cluster, by id. */
  readonly nodes: Map<number, { readonly host: string; readonly port: number }>;
  readonly nodeId: number;
  readonly requests: string[] = [];
  readonly sessions = new FakeSessions();
  /** Refusals tell who leads (KIP-951). */
  hints = false;
  /** What this one says of leaders, when it has not heard the newest. */
  outdated: { readonly leaderId: number; readonly leaderEpoch: number } | undefined;
  /** Partitions that each fetch has named. */
  readonly fetchesNamed: number[] = [];
  /** What it does with records that somebody wants compressed, by the codec's number; without it, it is of an older release. */
  packs: Packer | undefined;
  /** Error code for the partitions of a produce or fetch, before anything is done. */
  intercept: Interceptor | undefined;
  /** Topics that nobody may even be told of. */
  readonly forbidden = new Set<string>();
  /** Produces are carried out, but the connection is dropped instead of answering. */
  loseAnswersOf: string | undefined;
  io: Io | undefined;
  private readonly options: FakeBrokerOptions;
  private readonly waiters = new Set<() => void>();
  private listener: Listener | undefined;
  private nextId = 1;

  constructor(options: FakeBrokerOptions) {
    this.options = options;
    const { nodeId = 1, beside, host, port } = options;
    this.nodeId = nodeId;
    this.topics = beside?.topics ?? new Map();
    this.nodes = beside?.nodes ?? new Map();
    this.groups = beside?.groups ?? new FakeGroups();
    this.nodes.set(nodeId, { host, port });
  }

  /** Returns its port. */
  async start(io: Io): Promise<number> {
    this.io = io;
    this.waiters.clear();
    this.sessions.clear();
    const { host, port } = this.options;
    this.listener = await io.net.listen({ host, port }, (connection) => this.serve(connection));
    return this.listener.port;
  }

  /** A restarted broker leads in a new epoch. */
  async restart(io: Io): Promise<void> {
    for (const topic of this.topics.values()) for (const partition of topic.partitions) partition.leaderEpoch++;
    await this.start(io);
  }

  async stop(): Promise<void> {
    await this.listener?.close();
  }

  createTopic(name: string, partitions: number, configs: Readonly<Record<string, string>> = {}): FakeTopic {
    const id = `00000000-0000-4000-8000-${String(this.nextId++).padStart(12, '0')}`;
    const list = Array.from({ length: partitions }, () => new FakePartition());
    const topic = { name, id, partitions: list, configs: new Map(Object.entries(configs)) };
    this.topics.set(name, topic);
    return topic;
  }

  partition(name: string, index = 0): FakePartition {
    return this.topics.get(name)!.partitions[index]!;
  }

  /** Wakes the long polls after a test has changed a log by hand. */
  wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }

  addWaiter(waiter: () => void): () => void {
    this.waiters.add(waiter);
    return () => this.waiters.delete(waiter);
  }

  private serve(connection: Connection): void {
    let turn: Promise<void> = Promise.resolve();
    const login = new FakeLogin(this.io!.random, this.credentials);
    const splitter = createFrameSplitter({
      onFrame: (frame) => {
        this.announce(frame);
        turn = turn.then(() => this.handle(connection, frame, login));
      },
    });
    connection.onData = (chunk) => splitter.push(chunk);
    connection.onClose = () => splitter.stop();
    connection.onDrain = () => undefined;
  }

  /** A fetch that waits for records has to know of the one behind it. */
  private announce(frame: Buffer): void {
    const { apiKey, apiVersion, bodyOffset } = decodeRequestHeader(frame);
    if (apiKey !== Fetch.key) return;
    const body = decodeRequest(Fetch, apiVersion, frame, bodyOffset);
    if (body.readsOn) this.sessions.follow(body);
  }

  private async handle(connection: Connection, frame: Buffer, login: FakeLogin): Promise<void> {
    const header = decodeRequestHeader(frame);
    const api = apiByKey(header.apiKey)!;
    const body = decodeRequest(api, header.apiVersion, frame, header.bodyOffset);
    this.requests.push(api.name);
    const verdict = this.intercept?.(api.name);
    if (verdict === 'drop') return connection.destroy();
    const own = this.options.serves?.[api.name];
    const answer = own
      ? ((await own(body as never, header.apiVersion)) as ResponseInput<Api>)
      : await this.answer(api, body, verdict, login);
    if (this.loseAnswersOf === api.name) return connection.destroy();
    connection.write(encodeResponse(api, header.apiVersion, header.correlationId, answer));
  }

  private get credentials(): SaslCredentials {
    const { sasl, secret = '' } = this.options;
    return sasl ?? { mechanism: 'SCRAM-SHA-256', username: 'internal', password: secret };
  }

  private async answer(
    api: Api,
    body: unknown,
    errorCode: number | undefined,
    login: FakeLogin,
  ): Promise<ResponseInput<Api>> {
    if (api === SaslHandshake) return login.handshake(body as { mechanism: string }) as ResponseInput<Api>;
    if (api === SaslAuthenticate) return login.authenticate(body as { authBytes: Buffer }) as ResponseInput<Api>;
    if (api === ApiVersions) return this.versions() as ResponseInput<Api>;
    if (api === Metadata)
      return this.metadata(body as { topics: { name: string | null }[] | null }) as ResponseInput<Api>;
    const handler = FAKE_HANDLERS[api.name];
    if (handler === undefined) throw new Error(`the fake broker does not serve ${api.name}`);
    return (await handler(this, body as never, errorCode)) as ResponseInput<Api>;
  }

  private versions(): ResponseInput<typeof ApiVersions> {
    const { level = this.packs === undefined ? 1 : WIRE_CODEC_LEVEL } = this.options;
    return {
      errorCode: ERROR.NONE,
      apiKeys: APIS.map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion })),
      supportedFeatures: (this.options.features ?? []).map((name) => ({ name, minVersion: 1, maxVersion: level })),
    };
  }

  private metadata(body: { topics: { name: string | null }[] | null }): ResponseInput<typeof Metadata> {
    const names = body.topics === null ? [...this.topics.keys()] : body.topics.map(({ name }) => name!);
    const topics = names.map((name) => {
      const topic = this.topics.get(name);
      if (this.forbidden.has(name)) return { errorCode: ERROR.TOPIC_AUTHORIZATION_FAILED, name, partitions: [] };
      if (topic === undefined) return { errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION, name, partitions: [] };
      const partitions = topic.partitions.map(({ leader, leaderEpoch }, partitionIndex) => ({
        errorCode: ERROR.NONE,
        partitionIndex,
        ...(this.outdated ?? { leaderId: leader, leaderEpoch }),
        replicaNodes: [1],
        isrNodes: [1],
      }));
      return { errorCode: ERROR.NONE, name, topicId: topic.id, partitions };
    });
    const brokers = Array.from(this.nodes, ([nodeId, address]) => ({ nodeId, ...address }));
    return { brokers, clusterId: 'fake', controllerId: 1, topics, errorCode: ERROR.NONE };
  }
}
