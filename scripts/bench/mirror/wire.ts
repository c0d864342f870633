/**
 * The row `wire` of `bench -- mirror`: a topic of JSON is copied over a long way by a link with `compression`. How much of it
 * crosses the line, and what that costs on both sides. Batches differ, since the same one again and again would shrink to nothing.
 */
import { writeBatch } from '@meridian/protocol/record-batch';
import { copyName } from '../../peers/meridian-mirror.ts';
import { cpuSeconds } from '../../peers/process-usage.ts';
import type { Payload } from '../broker/payloads.ts';
import { type Contestant, MANAGEMENT_PORT, type Pair } from './contestants.ts';
import { runCopy } from './copy-run.ts';
import { KEEP, removeTopics, topicName } from './rows.ts';
import { createTopic, fill } from './topics.ts';

const RECORDS = 2_000_000;
const BATCH_RECORDS = 140;
const DIFFERENT_BATCHES = 256;
const CITIES = ['Berlin', 'Lagos', 'Lima', 'Tokyo', 'Austin', 'Quito', 'Oslo'];

/** Some 16 KB of events that are alike and not the same. */
function eventBatch(at: number): Payload {
  const records = Array.from({ length: BATCH_RECORDS }, (_, index) => {
    const id = at * BATCH_RECORDS + index;
    const mixed = Math.imul(id, 0x9e3779b1) >>> 0;
    const event = { id, city: CITIES[mixed % 7], temperature: (mixed % 400) / 10, user: `user-${mixed % 99_991}` };
    return {
      timestamp: 1_700_000_000_000 + id * 13,
      value: Buffer.from(JSON.stringify({ ...event, kind: 'measured' })),
    };
  });
  return { batch: Buffer.from(writeBatch({ records })), recordCount: BATCH_RECORDS };
}

/** Megabytes a second, bytes on the wire of a hundred, milliseconds of CPU per megabyte on both sides, megabytes of memory. */
export async function wireRound(contestant: Contestant, pair: Pair): Promise<number[]> {
  const { from, to } = pair;
  const topic = topicName();
  const batches = Array.from({ length: DIFFERENT_BATCHES }, (_, at) => eventBatch(at));
  await createTopic(from.port, topic, 1, KEEP);
  const records = await fill(from.port, topic, 0, batches[0]!, RECORDS, batches);
  const bytes =
    (records / BATCH_RECORDS) * (batches.reduce((sum, { batch }) => sum + batch.length, 0) / batches.length);
  const mirror = contestant.open(pair, [topic]);
  try {
    const before = cpuSeconds(from.node.pid!);
    const result = await runCopy({ mirror, target: to, copy: copyName(from, topic), records, bytes });
    const originMs = (cpuSeconds(from.node.pid!) - before) * 1000;
    const perMb = originMs / (bytes / 1e6);
    return [result.mbPerSecond, await wireBytesOfHundred(), result.cpuMsPerMb, perMb, result.peakMb];
  } finally {
    await mirror.kill();
    await removeTopics(contestant, pair, [topic]);
  }
}

async function wireBytesOfHundred(): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${MANAGEMENT_PORT}/v1/links`);
  const { links } = (await answer.json()) as { links: { wire?: { wireBytes: number; recordBytes: number } }[] };
  const { wireBytes, recordBytes } = links[0]?.wire ?? { wireBytes: 1, recordBytes: 1 };
  return (100 * wireBytes) / recordBytes;
}
