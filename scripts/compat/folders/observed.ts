/**
 * What a broker serves of its folder, as a client sees it: topics with their ids and configs, every byte of every
 * partition, what read_committed leaves out, and the groups' offsets. Two brokers on the same folder must be seen alike.
 */
import assert from 'node:assert/strict';
import {
  type Api,
  DescribeConfigs,
  DescribeLogDirs,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetFetch,
  type RequestInput,
  type ResponseOf,
  ZERO_UUID,
} from '@meridian/protocol';
import { iterateBatches, readRecords } from '@meridian/protocol/record-batch';
import { BrokerConnection } from '../../differential/broker-connection.ts';

const LIMIT_MS = 20_000;
const TOPIC_RESOURCE = 2;
const SET_ON_TOPIC = 1;
const EARLIEST = -2;
const LATEST = -1;
const READ_COMMITTED = 1;
const SETTLE_ATTEMPTS = 100;
const SETTLE_MS = 100;

export interface ObservedPartition {
  readonly startOffset: number;
  readonly endOffset: number;
  /** All batches, as they lie in the log. */
  readonly bytes: Buffer;
  readonly lastStableOffset: number;
  /** The log dir that holds it. */
  readonly place: string | undefined;
  /** `<producer>@<first offset>` of each aborted transaction. */
  readonly aborted: readonly string[];
}

export interface Observed {
  /** By name: the id, and the configs that are set on the topic. */
  readonly topics: ReadonlyMap<string, { readonly id: string; readonly configs: ReadonlyMap<string, string | null> }>;
  /** By `<topic>-<partition>`. */
  readonly partitions: ReadonlyMap<string, ObservedPartition>;
  /** `<group> <topic>-<partition>` → `<offset> <metadata>`. */
  readonly offsets: ReadonlyMap<string, string>;
}

export class Client {
  readonly #connection: BrokerConnection;

  constructor(port: number) {
    this.#connection = new BrokerConnection('broker', port);
  }

  async request<A extends Api>(api: A, version: number, body: RequestInput<A>): Promise<ResponseOf<A>> {
    const answer = await this.#connection.request(api, version, body, LIMIT_MS);
    if (typeof answer === 'symbol') throw new Error(`${api.name}: ${answer.description}`);
    return answer as ResponseOf<A>;
  }

  end(): void {
    this.#connection.end();
  }
}

/** Waits until every partition has a leader and the groups' coordinator has loaded. */
export async function observe(port: number, groups: readonly string[]): Promise<Observed> {
  const client = new Client(port);
  try {
    const metadata = await settled(async () => {
      const answer = await client.request(Metadata, 12, { topics: null });
      const isLed = answer.topics.every((topic) => topic.partitions.every(({ leaderId }) => leaderId >= 0));
      return answer.topics.length > 0 && isLed ? answer : undefined;
    });
    const partitions = new Map<string, ObservedPartition>();
    const places = await placesOf(client);
    for (const topic of metadata.topics) {
      for (const { partitionIndex } of topic.partitions) {
        const name = `${topic.name}-${partitionIndex}`;
        const read = await readPartition(client, topic.name!, partitionIndex);
        partitions.set(name, { ...read, place: places.get(name) });
      }
    }
    const topics = new Map<string, { id: string; configs: Map<string, string | null> }>();
    for (const { name, topicId } of metadata.topics) {
      topics.set(name!, { id: topicId, configs: await configsOf(client, name!) });
    }
    const offsets = new Map<string, string>();
    for (const group of groups) await readOffsets(client, group, offsets);
    return { topics: sorted(topics), partitions: sorted(partitions), offsets: sorted(offsets) };
  } finally {
    client.end();
  }
}

/** Values as a consumer sees them, without those of aborted transactions if `committedOnly`. */
export function valuesOf({ bytes, aborted }: ObservedPartition, committedOnly: boolean): string[] {
  const dropped = new Set<number>();
  const values: string[] = [];
  for (const { header, bytes: batch } of iterateBatches(bytes)) {
    if (header.isControl) dropped.delete(header.producerId);
    if (header.isControl) continue;
    if (aborted.includes(`${header.producerId}@${header.baseOffset}`)) dropped.add(header.producerId);
    if (committedOnly && header.isTransactional && dropped.has(header.producerId)) continue;
    for (const { value } of readRecords(batch)) values.push(Buffer.from(value ?? []).toString());
  }
  return values;
}

async function placesOf(client: Client): Promise<Map<string, string>> {
  const { results } = await client.request(DescribeLogDirs, 4, { topics: null });
  const rows = results.flatMap(({ logDir, topics }) =>
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => [`${name}-${partitionIndex}`, logDir] as const),
    ),
  );
  return new Map(rows);
}

async function readPartition(client: Client, topic: string, index: number): Promise<Omit<ObservedPartition, 'place'>> {
  const startOffset = await offsetAt(client, topic, index, EARLIEST);
  const endOffset = await offsetAt(client, topic, index, LATEST);
  const buffers: Buffer[] = [];
  const aborted = new Set<string>();
  let lastStableOffset = -1;
  for (let offset = startOffset; offset < endOffset || lastStableOffset < 0; ) {
    const all = await fetchFrom(client, topic, index, offset, 0);
    const committed = await fetchFrom(client, topic, index, offset, READ_COMMITTED);
    lastStableOffset = committed.lastStableOffset;
    for (const { producerId, firstOffset } of committed.abortedTransactions ?? [])
      aborted.add(`${producerId}@${firstOffset}`);
    const batches = [...iterateBatches(Buffer.concat(all.records ?? []))];
    if (batches.length === 0) break;
    for (const { bytes } of batches) buffers.push(Buffer.from(bytes));
    offset = batches.at(-1)!.header.nextOffset;
  }
  return { startOffset, endOffset, bytes: Buffer.concat(buffers), lastStableOffset, aborted: [...aborted].sort() };
}

async function fetchFrom(
  client: Client,
  topic: string,
  partition: number,
  fetchOffset: number,
  isolationLevel: number,
) {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: 10_000_000 }];
  const topics = [{ topic, topicId: ZERO_UUID, partitions }];
  const request = {
    maxWaitMs: 0,
    minBytes: 0,
    isolationLevel,
    sessionId: 0,
    sessionEpoch: -1,
    topics,
    forgottenTopicsData: [],
  };
  const { responses } = await client.request(Fetch, 12, request);
  const answer = responses[0]!.partitions[0]!;
  assert.equal(answer.errorCode, 0, `${topic}-${partition}`);
  return answer;
}

async function offsetAt(client: Client, name: string, partitionIndex: number, timestamp: number): Promise<number> {
  const topics = [{ name, partitions: [{ partitionIndex, timestamp }] }];
  const answer = await client.request(ListOffsets, 6, { replicaId: -1, isolationLevel: 0, topics });
  return answer.topics[0]!.partitions[0]!.offset;
}

async function configsOf(client: Client, resourceName: string): Promise<Map<string, string | null>> {
  const resources = [{ resourceType: TOPIC_RESOURCE, resourceName, configurationKeys: null }];
  const { results } = await client.request(DescribeConfigs, 4, { resources });
  const set = results[0]!.configs.filter(({ configSource }) => configSource === SET_ON_TOPIC);
  return sorted(new Map(set.map(({ name, value }) => [name, value])));
}

async function readOffsets(client: Client, groupId: string, into: Map<string, string>): Promise<void> {
  const answer = await settled(async () => {
    const tried = await client.request(OffsetFetch, 7, { groupId, topics: null });
    return tried.errorCode === 0 ? tried : undefined;
  });
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, committedOffset, metadata } of partitions) {
      into.set(`${groupId} ${name}-${partitionIndex}`, `${committedOffset} ${metadata}`);
    }
  }
}

/** What `ask` says once it says something. */
export async function settled<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < SETTLE_ATTEMPTS; attempt++) {
    const said = await ask();
    if (said !== undefined) return said;
    await new Promise((done) => setTimeout(done, SETTLE_MS));
  }
  throw new Error('the broker did not settle');
}

function sorted<T>(map: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}
