/** A broker with more partitions than it may have files open, on real files: created, written to, stopped and started. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { CreateTopics, DeleteTopics, ListOffsets, Produce, ZERO_UUID } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { afterAll, expect, test } from 'vitest';
import { createBroker } from './broker.ts';
import { RawClient } from './testing/raw-client.ts';

const PARTITIONS = 1_100;
/** The log's bound, and what everything else of the process may have open. */
const MOST_DESCRIPTORS = 1_000 + 100;
const LATEST = -1;
/** In memory where there is such a place: what is tried are the files, not the device. */
const MEMORY = '/dev/shm';
const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'meridian-partitions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start() {
  const config = {
    region: 'us-east',
    regionId: 1,
    nodeId: 1,
    dataFolder: join(folder, 'data'),
    client: { host: '127.0.0.1', port: 0 },
    internal: { host: '127.0.0.1', port: 0, secret: 'a secret of twenty characters' },
    regions: ['us-east'],
    autoCreateTopics: false,
    defaultPartitions: 1,
  };
  const broker = await createBroker({ io: createRealIo(), config, log: silentLogger });
  return { broker, client: await RawClient.connect(broker.clientPort) };
}

const indexes = Array.from({ length: PARTITIONS }, (_, index) => index);

async function ends(client: RawClient): Promise<readonly number[]> {
  const partitions = indexes.map((partitionIndex) => ({ partitionIndex, timestamp: LATEST }));
  const answer = await client.request(ListOffsets, 7, { replicaId: -1, topics: [{ name: 'many', partitions }] });
  return answer.topics[0]!.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex).map(
    ({ offset }) => offset,
  );
}

/** As many records as the partition's number says, modulo 3. */
async function write(client: RawClient): Promise<void> {
  const batchOf = (count: number) =>
    Buffer.from(
      writeBatch({ records: Array.from({ length: count }, () => ({ timestamp: 1, value: Buffer.alloc(9) })) }),
    );
  const partitionData = indexes
    .filter((index) => index % 3 > 0)
    .map((index) => ({ index, records: [batchOf(index % 3)] }));
  const topicData = [{ name: 'many', topicId: ZERO_UUID, partitionData }];
  const answer = await client.request(Produce, 9, { acks: -1, timeoutMs: 10_000, topicData });
  expect(new Set(answer.responses[0]!.partitionResponses.map(({ errorCode }) => errorCode))).toEqual(new Set([0]));
}

const partitionFolders = () => readdirSync(join(folder, 'data')).filter((name) => /^many-\d+$/.test(name));

test('1,100 partitions are created, written to, stopped and started, and none is lost or left open', async () => {
  const first = await start();
  const topic = { name: 'many', numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] };
  const created = await first.client.request(CreateTopics, 7, { topics: [topic], timeoutMs: 10_000 });
  expect([created.topics[0]!.errorCode, partitionFolders().length]).toEqual([0, PARTITIONS]);
  await write(first.client);
  expect(readdirSync('/proc/self/fd').length).toBeLessThan(MOST_DESCRIPTORS);
  let moves = 0;
  await first.broker.stop(() => void moves++);
  expect(moves).toBeGreaterThanOrEqual(PARTITIONS);
  const names = readdirSync(join(folder, 'data', 'many-1'));
  for (const suffix of ['log', 'index', 'timeindex']) expect(names.some((name) => name.endsWith(suffix))).toBe(true);
  const second = await start();
  expect(await ends(second.client)).toEqual(indexes.map((index) => index % 3));
  await write(second.client);
  expect(await ends(second.client)).toEqual(indexes.map((index) => 2 * (index % 3)));
  const gone = await second.client.request(DeleteTopics, 5, { topicNames: ['many'], timeoutMs: 10_000 });
  expect([gone.responses[0]!.errorCode, partitionFolders().length]).toEqual([0, 0]);
  await second.broker.stop();
}, 60_000);
