/**
 * What the nodes hold when all is over: every partition, read from each of its replicas (as the replica verification tool
 * reads, replica id −2), which must hold the same bytes.
 */
import { decompress, Fetch, ZERO_UUID } from '@meridian/protocol';
import { iterateBatches, readRecords, wholeBatchesSize } from '@meridian/protocol/record-batch';
import type { Cluster } from '../../peers/cluster.ts';
import { ask, check } from '../../peers/cluster-admin.ts';
import type { FinalLogs } from './audit.ts';
import type { Seen } from './ledger.ts';

const DEBUGGING_CONSUMER = -2;
const FETCH_VERSION = 12;
const MAX_BYTES = 2_000_000;

/** Rejects if two replicas differ. */
export async function readLogs(cluster: Cluster, topic: string, partitions: number): Promise<FinalLogs> {
  const logs = new Map<number, readonly Seen[]>();
  for (let partition = 0; partition < partitions; partition++) {
    const copies = await Promise.all(cluster.nodes.map((node) => readCopy(node.clientPort, topic, partition)));
    const [first, ...others] = copies;
    for (const [index, copy] of others.entries()) {
      if (copy.bytes.equals(first!.bytes)) continue;
      throw new Error(
        `${topic}-${partition} is not the same on nodes ${cluster.nodes[0]!.id} and ${cluster.nodes[index + 1]!.id}: ` +
          `${first!.records.length} and ${copy.records.length} records`,
      );
    }
    logs.set(partition, first!.records);
  }
  return logs;
}

async function readCopy(port: number, topic: string, partition: number): Promise<{ bytes: Buffer; records: Seen[] }> {
  const chunks: Buffer[] = [];
  const records: Seen[] = [];
  for (let offset = 0; ; ) {
    const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: MAX_BYTES }];
    const body = { maxWaitMs: 0, minBytes: 0, topics: [{ topic, topicId: ZERO_UUID, partitions }] };
    const answer = await ask(port, Fetch, FETCH_VERSION, {
      ...body,
      replicaId: DEBUGGING_CONSUMER,
      sessionId: 0,
      sessionEpoch: -1,
      forgottenTopicsData: [],
    });
    const found = answer.responses[0]?.partitions[0];
    check(found?.errorCode, `Fetch of ${topic}-${partition} at ${offset}`);
    const read = Buffer.concat(found?.records ?? []);
    // The last one may be cut off.
    const batches = [...iterateBatches(read.subarray(0, wholeBatchesSize(read)))];
    if (batches.length === 0) return { bytes: Buffer.concat(chunks), records };
    for (const { header, bytes } of batches) {
      if (header.nextOffset <= offset) continue;
      chunks.push(Buffer.from(bytes));
      for (const record of header.isControl ? [] : readRecords(bytes, { decompress })) {
        records.push({ offset: record.offset, value: textOf(record.value) });
      }
    }
    offset = batches.at(-1)!.header.nextOffset;
  }
}

/** Without what fills it up. */
export const textOf = (value: Uint8Array | null | undefined): string =>
  Buffer.from(value ?? [])
    .toString()
    .trimEnd();
