/**
 * One of the two brokers that a script runs against: connections, and what earlier answers gave that later requests need
 * (topic ids, producer ids, member ids). Used by `run-script.ts`, read by the steps' bodies. Each lane has its own.
 */
import { type Api, ApiVersions, type RequestInput, type ResponseOf, ZERO_UUID } from '@meridian/protocol';
import { BrokerConnection, CLOSED, type NoAnswer, SILENT } from './broker-connection.ts';

/** Longer than anything takes on a busy machine but what waits for other members of a group. */
const ANSWER_LIMIT_MS = 15_000;

export class Side {
  readonly name: string;
  readonly versions = new Map<number, { min: number; max: number }>();
  /** Ids of the topics of the running script, by name. */
  readonly topicIds = new Map<string, string>();
  /** Producers that InitProducerId gave, in order. */
  readonly producers: { id: number; epoch: number }[] = [];
  /** Member ids by group and role, and the newest generation that the group told. */
  readonly members = new Map<string, string>();
  readonly generations = new Map<string, number>();
  /** The newest fetch session, and the epoch that it wants next. */
  session = { id: 0, epoch: 0 };
  readonly #port: number;
  /** The script's own is number 0; the others are those of members of groups, who wait in theirs. */
  readonly #connections = new Map<number, BrokerConnection>();
  /** Answers that were not waited for when the request was sent, by connection. */
  readonly #parked = new Map<number, Promise<unknown>>();

  constructor(name: string, port: number) {
    this.name = name;
    this.#port = port;
  }

  topicId(name: string): string {
    return this.topicIds.get(name) ?? ZERO_UUID;
  }

  /** Forgets what the last script left, and begins with connections of its own. */
  async begin(): Promise<void> {
    this.end();
    for (const map of [this.topicIds, this.members, this.generations, this.#parked]) map.clear();
    this.producers.length = 0;
    this.session = { id: 0, epoch: 0 };
    if (this.versions.size > 0) return;
    const client = { clientSoftwareName: 'differential', clientSoftwareVersion: '1' };
    const answer = await this.request(ApiVersions, 3, client);
    if (answer === CLOSED || answer === SILENT) throw new Error(`${this.name} does not answer ApiVersions`);
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) {
      this.versions.set(apiKey, { min: minVersion, max: maxVersion });
    }
  }

  end(): void {
    for (const connection of this.#connections.values()) connection.end();
    this.#connections.clear();
  }

  request<A extends Api>(
    api: A,
    version: number,
    body: RequestInput<A>,
    { connection = 0, limitMs = ANSWER_LIMIT_MS }: { connection?: number; limitMs?: number } = {},
  ): Promise<ResponseOf<A> | NoAnswer> {
    let used = this.#connections.get(connection);
    if (used === undefined) this.#connections.set(connection, (used = new BrokerConnection(this.name, this.#port)));
    return used.request(api, version, body, limitMs);
  }

  /** The answer is for `collect` on the same connection. */
  park(connection: number, answer: Promise<unknown>): void {
    this.#parked.set(connection, answer);
  }

  async collect(connection: number): Promise<unknown> {
    const answer = this.#parked.get(connection);
    this.#parked.delete(connection);
    return answer ?? 'nothing was sent';
  }
}
