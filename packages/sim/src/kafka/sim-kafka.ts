/**
 * Apache Kafka for the simulator: one node that stands for a cluster, to the semantics of 4.3 as far as the mirror, the
 * gateway and their clients come to feel them. `scripts/compat/sim-kafka.ts` asks it and the real one the same.
 * Invariant: nothing of what it acknowledged is on anything but its disk, which a kill keeps; answers leave a connection
 * in the order of its requests.
 */
import type { Connection, Io } from '@meridian/io';
import {
  AddPartitionsToTxn,
  type Api,
  ApiVersions,
  apiByKey,
  CreatePartitions,
  CreateTopics,
  createFrameSplitter,
  DeleteRecords,
  DeleteTopics,
  DescribeAcls,
  DescribeConfigs,
  DescribeGroups,
  DescribeProducers,
  DescribeTransactions,
  decodeRequest,
  decodeRequestHeader,
  EndTxn,
  ERROR,
  encodeResponse,
  Fetch,
  FindCoordinator,
  Heartbeat,
  IncrementalAlterConfigs,
  InitProducerId,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  OffsetForLeaderEpoch,
  Produce,
  type RequestOf,
  type ResponseInput,
  SyncGroup,
} from '@meridian/protocol';
import { fetch } from './fetch-handler.ts';
import * as groups from './group-handlers.ts';
import type { KafkaContext } from './kafka-context.ts';
import * as logs from './log-handlers.ts';
import type { SimKafkaDisk, SimTopic } from './sim-kafka-disk.ts';
import * as topics from './topic-handlers.ts';
import { TxnCoordinator } from './txn-coordinator.ts';
import * as transactions from './txn-handlers.ts';

export interface SimKafkaOptions {
  readonly io: Io;
  readonly host: string;
  readonly port: number;
  /** Default 1. */
  readonly nodeId?: number;
  /** Of its own, for as long as the cluster lives. */
  readonly disk: SimKafkaDisk;
  /** Default 3,000, as Apache Kafka's. */
  readonly initialRebalanceDelayMs?: number;
}

export interface SimKafka {
  close(): Promise<void>;
}

interface Served {
  readonly api: Api;
  /** The newest version that it speaks, where that is not all that we know. */
  readonly maxVersion?: number;
  readonly handle: (kafka: KafkaContext, body: never, version: number) => unknown;
}

const serve = <A extends Api>(
  api: A,
  handle: (kafka: KafkaContext, body: RequestOf<A>, version: number) => ResponseInput<A> | Promise<ResponseInput<A>>,
  maxVersion?: number,
): Served => ({ api, handle, ...(maxVersion !== undefined && { maxVersion }) });

const noAcls = () => ({ errorCode: ERROR.SECURITY_DISABLED, resources: [] });

const SERVED: readonly Served[] = [
  serve(Produce, logs.produce),
  serve(Fetch, fetch),
  serve(ListOffsets, logs.listOffsets),
  serve(Metadata, topics.metadata),
  serve(OffsetCommit, groups.offsetCommit),
  serve(OffsetFetch, groups.offsetFetch),
  serve(FindCoordinator, groups.findCoordinator),
  serve(JoinGroup, groups.joinGroup),
  serve(Heartbeat, groups.heartbeat),
  serve(LeaveGroup, groups.leaveGroup),
  serve(SyncGroup, groups.syncGroup),
  serve(DescribeGroups, groups.describeGroups),
  serve(ListGroups, groups.listGroups),
  serve(ApiVersions, () => versions()),
  serve(CreateTopics, topics.createTopics),
  serve(DeleteTopics, topics.deleteTopics),
  serve(DeleteRecords, logs.deleteRecords),
  serve(InitProducerId, transactions.initProducerId),
  serve(OffsetForLeaderEpoch, logs.offsetForLeaderEpoch),
  // From these versions on a producer's epoch rises at each end (KIP-890), which nobody here makes use of.
  serve(AddPartitionsToTxn, transactions.addPartitions, 3),
  serve(EndTxn, transactions.endTxn, 4),
  serve(DescribeAcls, noAcls),
  serve(DescribeConfigs, topics.describeConfigs),
  serve(CreatePartitions, topics.createPartitions),
  serve(IncrementalAlterConfigs, topics.alterConfigs),
  serve(DescribeProducers, logs.describeProducers),
  serve(DescribeTransactions, transactions.describeTransactions),
];

const BY_KEY = new Map(SERVED.map((served) => [served.api.key, served]));
const TICK_MS = 50;

function versions(): ResponseInput<typeof ApiVersions> {
  const apiKeys = SERVED.map(({ api, maxVersion }) => ({
    apiKey: api.key,
    minVersion: api.advertisedMinVersion ?? api.minVersion,
    maxVersion: maxVersion ?? api.maxVersion,
  }));
  return { errorCode: ERROR.NONE, apiKeys };
}

/** Comes back when it listens. */
export async function createSimKafka(options: SimKafkaOptions): Promise<SimKafka> {
  const { io, host, port, disk, nodeId = 1, initialRebalanceDelayMs = 3_000 } = options;
  const waiters = new Set<() => void>();
  const wake = (): void => {
    for (const waiter of [...waiters]) waiter();
  };
  const kafka: KafkaContext = {
    ...{ io, disk, nodeId, host, port, initialRebalanceDelayMs, wake },
    transactions: new TxnCoordinator(io, disk, wake),
    topicOf: (name, id): SimTopic | undefined => (name === '' ? disk.topicById(id) : disk.topics.get(name)),
    unknown: (name) => (name === '' ? ERROR.UNKNOWN_TOPIC_ID : ERROR.UNKNOWN_TOPIC_OR_PARTITION),
    onWake(run) {
      waiters.add(run);
      return () => waiters.delete(run);
    },
  };
  resume(kafka);
  const listener = await io.net.listen({ host, port }, (connection) => attend(kafka, connection));
  return { close: () => listener.close() };
}

/** Each process leads in a new epoch, and goes on with what its predecessor had begun. */
function resume(kafka: KafkaContext): void {
  const { io, disk } = kafka;
  if (disk.boots++ > 0)
    for (const topic of disk.topics.values()) for (const partition of topic.partitions) partition.elect();
  kafka.transactions.resume();
  for (const group of disk.groups.values()) group.resume(io.clock.monotonic());
  const tick = (): void => {
    for (const group of disk.groups.values()) group.tick(io.clock.monotonic());
    io.timers.after(TICK_MS, tick);
  };
  tick();
}

function attend(kafka: KafkaContext, connection: Connection): void {
  let turn: Promise<void> = Promise.resolve();
  const splitter = createFrameSplitter({
    onFrame: (frame) => {
      turn = turn.then(() => answer(kafka, connection, Buffer.from(frame)));
    },
  });
  connection.onData = (chunk) => splitter.push(chunk);
  connection.onClose = () => splitter.stop();
  connection.onDrain = () => undefined;
}

async function answer(kafka: KafkaContext, connection: Connection, frame: Buffer): Promise<void> {
  const header = decodeRequestHeader(frame);
  const served = BY_KEY.get(header.apiKey);
  const api = apiByKey(header.apiKey);
  if (served === undefined || api === undefined) return connection.destroy();
  const body = decodeRequest(api, header.apiVersion, frame, header.bodyOffset);
  const found = (await served.handle(kafka, body as never, header.apiVersion)) as ResponseInput<Api>;
  connection.write(encodeResponse(api, header.apiVersion, header.correlationId, found));
}
