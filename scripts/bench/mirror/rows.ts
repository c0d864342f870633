/**
 * The rows of `bench -- mirror`. Each makes topics of its own, and removes them and their copies when it is over; every
 * mirror is a new process.
 * Invariant: within a round MirrorMaker 2 copies the same number of records in the same batches as ours.
 */
import { copyName } from '../../peers/meridian-mirror.ts';
import type { Engine, MirrorRegion } from '../../peers/mirror-region.ts';
import { cpuSeconds } from '../../peers/process-usage.ts';
import { type Payload, payloadOf } from '../broker/payloads.ts';
import { quantile } from '../quantiles.ts';
import type { Contestant, Pair } from './contestants.ts';
import { type CopyResult, runCopy } from './copy-run.ts';
import { runLatency } from './latency-run.ts';
import { createTopic, deleteTopics, EndProbe, fill, firstBatch, pause } from './topics.ts';

/** What Kafka's producer makes of records of 100 bytes by default. */
const BATCHES = payloadOf(100, 16_384);
const ONE_RECORD = payloadOf(100, 0);
const RECORDS = 3_000_000;
const SINGLE_RECORDS = 300_000;
const FIRST_RECORDS = 10_000;
/** Removed files are gone then. */
const SETTLE_MS = 1_500;
export const KEEP = { 'retention.ms': '-1', 'retention.bytes': '-1' };

export const topicName = (): string => `bench-${Math.random().toString(36).slice(2, 10)}`;

/** Fills a topic, copies it, removes both. */
export function copyRound(contestant: Contestant, pair: Pair, what: 'batches' | 'single'): Promise<CopyResult> {
  return what === 'batches'
    ? copyOf(contestant, pair, BATCHES, RECORDS)
    : copyOf(contestant, pair, ONE_RECORD, SINGLE_RECORDS);
}

/** Of the first start of all between two regions: milliseconds until the first record. */
export async function firstStart(contestant: Contestant, pair: Pair): Promise<number> {
  return (await copyOf(contestant, pair, BATCHES, FIRST_RECORDS)).firstRecordMs;
}

async function copyOf(contestant: Contestant, pair: Pair, payload: Payload, wanted: number): Promise<CopyResult> {
  const topic = topicName();
  const { from, to } = pair;
  await createTopic(from.port, topic, 1, KEEP);
  const records = await fill(from.port, topic, 0, payload, wanted);
  const mirror = contestant.open(pair, [topic]);
  try {
    const bytes = (records / payload.recordCount) * payload.batch.length;
    return await runCopy({ mirror, target: to, copy: copyName(from, topic), records, bytes });
  } finally {
    await mirror.kill();
    await removeTopics(contestant, pair, [topic]);
  }
}

export async function removeTopics(contestant: Contestant, pair: Pair, topics: readonly string[]): Promise<void> {
  await contestant.forget(pair);
  await deleteTopics(
    pair.to.port,
    topics.map((topic) => copyName(pair.from, topic)),
  );
  await deleteTopics(pair.from.port, topics);
  await pause(SETTLE_MS);
}

/** Milliseconds, one a record. */
export function latencyRound(
  contestant: Contestant,
  pair: Pair,
  perSecond: number,
  durationMs: number,
): Promise<number[]> {
  const topic = topicName();
  return withCopies(contestant, pair, { topics: [topic], partitions: 1, first: ONE_RECORD }, () =>
    runLatency({
      fromPort: pair.from.port,
      toPort: pair.to.port,
      places: [{ topic, copy: copyName(pair.from, topic), partition: 0 }],
      perSecond,
      durationMs,
    }),
  );
}

const IDLE_TOPICS = 20;
const IDLE_PARTITIONS = 100;
const ACTIVE_PER_SECOND = 1_000;
const IDLE_SETTLE_MS = 10_000;

export interface IdleResult {
  readonly idlePercent: number;
  readonly activePercent: number;
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
}

/** 2,000 partitions, first all idle, then one of each topic active. */
export function idleRound(contestant: Contestant, pair: Pair, durationMs: number): Promise<IdleResult> {
  const topics = Array.from({ length: IDLE_TOPICS }, topicName);
  return withCopies(contestant, pair, { topics, partitions: IDLE_PARTITIONS, first: ONE_RECORD }, async (pid) => {
    await pause(IDLE_SETTLE_MS);
    const idlePercent = await percentOf(pid, () => pause(durationMs));
    let latencies: number[] = [];
    const activePercent = await percentOf(pid, async () => {
      latencies = await runLatency({
        fromPort: pair.from.port,
        toPort: pair.to.port,
        places: topics.map((topic) => ({ topic, copy: copyName(pair.from, topic), partition: 7 })),
        perSecond: ACTIVE_PER_SECOND,
        durationMs,
      });
    });
    return { idlePercent, activePercent, lagP50Ms: quantile(latencies, 0.5), lagP99Ms: quantile(latencies, 0.99) };
  });
}

async function percentOf(pid: number, run: () => Promise<unknown>): Promise<number> {
  const before = { cpu: cpuSeconds(pid), ms: performance.now() };
  await run();
  return ((cpuSeconds(pid) - before.cpu) / (performance.now() - before.ms)) * 100_000;
}

interface Copies {
  readonly topics: readonly string[];
  readonly partitions: number;
  /** Goes into each partition before the mirror starts. */
  readonly first: Payload;
}

/** Runs once every partition's copy has its first batch; the mirror's process id is handed on. */
async function withCopies<T>(
  contestant: Contestant,
  pair: Pair,
  { topics, partitions, first }: Copies,
  run: (pid: number) => Promise<T>,
): Promise<T> {
  const { from, to } = pair;
  for (const topic of topics) {
    await createTopic(from.port, topic, partitions, KEEP);
    for (let index = 0; index < partitions; index++) await firstBatch(from.port, topic, index, first);
  }
  const mirror = contestant.open(pair, topics);
  try {
    await mirror.start();
    await allCopied(
      to,
      topics.map((topic) => copyName(from, topic)),
      partitions,
    );
    return await run(mirror.pid as number);
  } finally {
    await mirror.kill();
    await removeTopics(contestant, pair, topics);
  }
}

const COPIED_LIMIT_MS = 180_000;

async function allCopied(to: MirrorRegion, copies: readonly string[], partitions: number): Promise<void> {
  const probe = await EndProbe.open(to.port);
  const began = performance.now();
  try {
    for (const copy of copies)
      while ((await probe.ends(copy, partitions)).some((end) => end < 1)) {
        if (performance.now() - began > COPIED_LIMIT_MS)
          throw new Error(`${copy} is not complete after ${COPIED_LIMIT_MS} ms`);
        await pause(100);
      }
  } finally {
    probe.close();
  }
}

export type PairOf = (engine: Engine) => Promise<Pair>;
