/**
 * `bench -- partitions [--partitions N] [--quick] [--kafka] [--no-hot]`: what 10,000 partitions cost one broker (creating
 * them, memory, descriptors, stop and start, idling), and whether hot ones are slower beside them than beside 10.
 */

import { cpuSeconds, residentMb } from '../peers/process-usage.ts';
import { fetchRound } from './broker/fetch-load.ts';
import { payloadOf } from './broker/payloads.ts';
import { produceRound } from './broker/produce-load.ts';
import type { BenchTable } from './main.ts';
import {
  createPartitions,
  deletePartitions,
  longestWaitMs,
  openDescriptors,
  pause,
  writeToAll,
} from './partitions/many-partitions.ts';
import { type RestartableBroker, restartableKafka, restartableMeridian } from './partitions/restartable-broker.ts';
import { median } from './quantiles.ts';

const MANY = 10_000;
const FEW = 10;
const PORTS = { many: 32_392, few: 32_492 } as const;
const HOT_BATCH_BYTES = 65_536;
const RECORD_BYTES = 100;

/** After a start, until what begins with it is over. */
const SETTLE_MS = 20_000;
/** After a deletion, until the files are gone. */
const REMOVAL_MS = 10_000;

type Line = [work: string, measured: string, must: string];

export async function partitions(args: readonly string[]): Promise<BenchTable> {
  const many = numberAfter(args, '--partitions') ?? MANY;
  const isQuick = args.includes('--quick');
  const flags = args.filter((arg) => /^--(cpu-|heap-)?prof/.test(arg));
  const open = args.includes('--kafka') ? restartableKafka : (port: number) => restartableMeridian(port, flags);
  const broker = await open(PORTS.many);
  try {
    const lines = await lifeOf(broker, many, isQuick ? 10_000 : 60_000);
    if (!args.includes('--no-hot')) lines.push(...(await hotBeside(broker, open, isQuick ? 2 : 5)));
    lines.push(...(await deletion(broker, many)));
    return { columns: [`${many.toLocaleString('en')} partitions`, 'measured', 'must'], lines };
  } finally {
    await broker.remove();
  }
}

function numberAfter(args: readonly string[], name: string): number | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : Number(args[at + 1]);
}

/** Created, written to, stopped, started: a broker that runs again at the end. */
async function lifeOf(broker: RestartableBroker, many: number, idleMs: number): Promise<Line[]> {
  const lines: Line[] = [];
  const note = (work: string, measured: string, must = ''): void => {
    console.error(`${work}: ${measured}`);
    lines.push([work, measured, must]);
  };
  const one = payloadOf(RECORD_BYTES, 1);
  const { port } = broker.running;
  const [createMs, createWaitMs] = await timed(port, () => createPartitions(port, many));
  note('creation, 1,000 a request', seconds(createMs));
  note('longest wait of another client meanwhile', millis(createWaitMs), '≤ 200 ms');
  const [writeMs] = await timed(port, () => writeToAll(port, many, one));
  note('one batch into each', seconds(writeMs));
  note('clean stop, all of them written to', seconds(await broker.stop()), '≤ 8 s');
  note('start after it', seconds((await broker.start()).startMs), '≤ 5 s');
  await pause(SETTLE_MS);
  note('memory', `${residentMb(broker.running.pid).toFixed(0)} MB`, '≤ 300 MB');
  note('idle', await idleOf(broker, idleMs), '≤ 1 % of a core');
  await writeToAll(port, many, one);
  note('memory, all written to again', `${residentMb(broker.running.pid).toFixed(0)} MB`, '≤ 300 MB');
  note('descriptors', String(openDescriptors(broker.running.pid)), '≤ 1,100');
  note('clean stop, all of them written to again', seconds(await broker.stop()), '≤ 8 s');
  note('start after it', seconds((await broker.start()).startMs), '≤ 5 s');
  note('clean stop, nothing written', seconds(await broker.stop()), '≤ 8 s');
  await broker.start();
  return lines;
}

async function deletion({ running }: RestartableBroker, many: number): Promise<Line[]> {
  let tookMs = 0;
  const waitMs = await longestWaitMs(running.port, async () => {
    const began = performance.now();
    await deletePartitions(running.port, many);
    tookMs = performance.now() - began;
    await pause(REMOVAL_MS);
  });
  console.error(`deletion: ${seconds(tookMs)}, longest wait ${millis(waitMs)}`);
  return [
    ['deletion of all', seconds(tookMs), ''],
    ['longest wait of another client until the files are gone', millis(waitMs), '≤ 200 ms'],
  ];
}

async function timed(port: number, run: () => Promise<void>): Promise<[tookMs: number, waitMs: number]> {
  let tookMs = 0;
  const waitMs = await longestWaitMs(port, async () => {
    const began = performance.now();
    await run();
    tookMs = performance.now() - began;
  });
  return [tookMs, waitMs];
}

async function idleOf({ running }: RestartableBroker, durationMs: number): Promise<string> {
  const before = cpuSeconds(running.pid);
  await pause(durationMs);
  return `${(((cpuSeconds(running.pid) - before) / durationMs) * 100_000).toFixed(2)} % of a core`;
}

/** The same load on a broker with many partitions and on one with few, in turns; who goes first changes. */
async function hotBeside(
  many: RestartableBroker,
  open: (port: number) => Promise<RestartableBroker>,
  rounds: number,
): Promise<Line[]> {
  const few = await open(PORTS.few);
  try {
    await createPartitions(PORTS.few, FEW);
    const hot = payloadOf(RECORD_BYTES, HOT_BATCH_BYTES);
    const produce = (broker: RestartableBroker) => produceRound(broker.running, hot, -1, 2_000);
    const fetch = (broker: RestartableBroker) =>
      fetchRound(broker.running, hot, { from: 'tail', maxBytes: 1_048_576 }, 2_000);
    return [
      ...(await compare('produce 64 KB batches to 6 hot ones', produce, [many, few], rounds)),
      ...(await compare('fetch 1 MiB at the tail of 6 hot ones', fetch, [many, few], rounds)),
    ];
  } finally {
    await few.remove();
  }
}

type Round = (broker: RestartableBroker) => ReturnType<typeof produceRound>;

async function compare(
  work: string,
  round: Round,
  brokers: readonly [RestartableBroker, RestartableBroker],
  rounds: number,
): Promise<Line[]> {
  const throughput: number[][] = [[], []];
  const cpu: number[][] = [[], []];
  for (let count = 0; count <= rounds; count++) {
    for (const index of count % 2 === 0 ? [0, 1] : [1, 0]) {
      const result = await round(brokers[index]!);
      if (count === 0) continue; // warms up
      throughput[index]!.push(result.megabytes / result.seconds);
      cpu[index]!.push((result.cpuSeconds * 1000) / result.megabytes);
    }
  }
  const ratio = ([many, few]: number[][]): string => `${(median(many!) / median(few!)).toFixed(2)}×`;
  const lines: Line[] = [
    [`${work}: throughput beside 10`, ratio(throughput), '≥ 1× ± noise'],
    [`${work}: CPU per MB beside 10`, ratio(cpu), '≤ 1× ± noise'],
  ];
  for (const [what, measured] of lines) console.error(`${what}: ${measured}`);
  return lines;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const millis = (ms: number): string => `${ms.toFixed(0)} ms`;
