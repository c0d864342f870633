/**
 * How long after its acknowledgement in one region a record can be read in the other: single records at a fixed rate, over
 * partitions of one or more topics in turn, read at the target by a consumer in a long poll. Used by the rows of
 * `bench -- mirror`.
 */
import { createClient } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { ERROR, errorName } from '@meridian/protocol';
import { iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { produceErrorAt, produceFrame } from '../broker/payloads.ts';
import { RawConnection } from '../broker/raw-connection.ts';
import { pause } from './topics.ts';

const TICK_MS = 1;
const LEAD_IN_MS = 3_000;
const DRAIN_MS = 3_000;
const VALUE_BYTES = 100;

export interface LatencyRun {
  readonly fromPort: number;
  readonly toPort: number;
  /** A partition where it is written, and where its copy is. */
  readonly places: readonly { readonly topic: string; readonly copy: string; readonly partition: number }[];
  readonly perSecond: number;
  readonly durationMs: number;
}

/** Milliseconds from the acknowledgement, or 0 where a copy was read before its writer knew; a record that never came is an error. */
export async function runLatency(run: LatencyRun): Promise<number[]> {
  const arrivedMs: number[] = [];
  const close = await readCopies(run, (index) => {
    arrivedMs[index] ??= performance.now();
  });
  try {
    const ackedMs = await write(run);
    for (let left = DRAIN_MS; left > 0 && ackedMs.some((_, index) => arrivedMs[index] === undefined); left -= 50)
      await pause(50);
    const first = Math.floor((run.perSecond * LEAD_IN_MS) / 1000);
    const missing = ackedMs.filter((_, index) => arrivedMs[index] === undefined).length;
    if (missing > 0) throw new Error(`${missing} of ${ackedMs.length} records had not arrived ${DRAIN_MS} ms later`);
    return ackedMs.slice(first).map((acked, index) => Math.max(0, arrivedMs[first + index]! - acked));
  } finally {
    await close();
  }
}

async function readCopies(
  { toPort, places }: LatencyRun,
  onRecord: (index: number) => void,
): Promise<() => Promise<void>> {
  const bootstrap = [{ host: '127.0.0.1', port: toPort }];
  const client = createClient({ io: createRealIo(), bootstrap, clientId: 'bench', log: silentLogger });
  const fetcher = client.fetcher({ maxWaitMs: 500, minBytes: 1 });
  const ends = await client.listOffsets(
    places.map(({ copy, partition }) => ({ topic: copy, partition, timestamp: -1 })),
  );
  ends.forEach(({ topic, partition, offset }) => {
    fetcher.add({
      topic,
      partition,
      offset: Math.max(0, offset),
      onBatches: ({ buffers }) => {
        for (const { index } of recordsOf(buffers)) onRecord(index);
      },
      onError: ({ detail }) => console.error(`reading ${topic}: ${detail}`),
    });
  });
  await pause(500);
  return () => client.close();
}

function* recordsOf(buffers: readonly Buffer[]): Generator<{ index: number }> {
  for (const buffer of buffers) {
    let at = 0;
    for (const { header } of iterateBatches(buffer)) {
      const batch = buffer.subarray(at, at + header.sizeInBytes);
      at += header.sizeInBytes;
      for (const { value } of readRecords(batch)) yield { index: Buffer.from(value ?? []).readUInt32BE(0) };
    }
  }
}

/** Returns when each was acknowledged, by the number in its value. */
function write({ fromPort, places, perSecond, durationMs }: LatencyRun): Promise<number[]> {
  const ackedMs: number[] = [];
  return RawConnection.open(fromPort).then(
    (connection) =>
      new Promise((done, fail) => {
        const beganMs = performance.now();
        const total = Math.floor((perSecond * (LEAD_IN_MS + durationMs)) / 1000);
        let [sent, answered] = [0, 0];
        connection.onBroken = fail;
        connection.onAnswer = (_bytes, head) => {
          const index = answered++;
          const errorCode = head.readInt16BE(produceErrorAt(places[index % places.length]!.topic));
          if (errorCode !== ERROR.NONE) return fail(new Error(`Produce: ${errorName(errorCode)}`));
          ackedMs[index] = performance.now();
          if (answered < total) return;
          connection.close();
          done(ackedMs);
        };
        const tick = (): void => {
          const due = Math.min(total, Math.floor(((performance.now() - beganMs) * perSecond) / 1000));
          for (; sent < due; sent++) connection.send(frameOf(places[sent % places.length]!, sent));
          if (sent < total) setTimeout(tick, TICK_MS);
        };
        tick();
      }),
  );
}

function frameOf({ topic, partition }: { topic: string; partition: number }, index: number): Buffer {
  const value = Buffer.alloc(VALUE_BYTES);
  value.writeUInt32BE(index, 0);
  const batch = Buffer.from(writeBatch({ records: [{ timestamp: Date.now(), value }] }));
  return produceFrame(topic, partition, { batch, recordCount: 1 }, -1);
}
