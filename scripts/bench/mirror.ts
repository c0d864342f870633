/**
 * `bench -- mirror [--quick] [--rounds N] [--only ROW,…] [--ours]`: our mirror beside MirrorMaker 2, tuned, on the same
 * machine and the same data: throughput and CPU on both engines, through a line of 100 ms, with many idle partitions, and
 * the latency that it adds. `--ours` leaves MirrorMaker 2 out.
 */

import type { Engine } from '../peers/mirror-region.ts';
import type { BenchTable } from './main.ts';
import { type Contestant, MIRROR_MAKER_TUNED, meridianContestant, type Pair } from './mirror/contestants.ts';
import type { CopyResult } from './mirror/copy-run.ts';
import { BenchRegions } from './mirror/regions.ts';
import { copyRound, firstStart, idleRound, latencyRound } from './mirror/rows.ts';
import { type Asked, cellsOf, MIRROR_COLUMNS, type MirrorLine } from './mirror/table.ts';
import { wireRound } from './mirror/wire.ts';
import { median, quantile } from './quantiles.ts';
import { format } from './ratio-table.ts';

const ROWS = { embedded, kafka, single, far, idle, latency, wire } as const;
/** Run only when it is named: nothing of MirrorMaker 2 stands beside it. */
const NAMED_ONLY: readonly string[] = ['wire'];
type RowName = keyof typeof ROWS;

interface Setting {
  readonly regions: BenchRegions;
  readonly rounds: number;
  readonly durationMs: number;
  readonly ours: Contestant;
  /**
   * Where ours has run before: topics of bookkeeping, and node's compile cache, are made once in the life of a cluster and of
   * a machine. What the first start takes is told, and is in no row.
   */
  readonly begun: Set<Engine>;
  /** Undefined: ours alone. */
  readonly theirs: Contestant | undefined;
}

export async function mirror(args: readonly string[]): Promise<BenchTable> {
  const argument = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const names = (argument('--only')?.split(',') ??
    Object.keys(ROWS).filter((row) => !NAMED_ONLY.includes(row))) as RowName[];
  const unknown = names.filter((name) => !(name in ROWS));
  if (unknown.length > 0) throw new Error(`no row ${unknown.join(', ')}; known: ${Object.keys(ROWS).join(', ')}`);
  const isQuick = args.includes('--quick');
  const profile = args.filter((arg) => /^--(cpu-|heap-)?prof/.test(arg));
  const setting = {
    regions: new BenchRegions(),
    rounds: Number(argument('--rounds') ?? (isQuick ? 1 : 3)),
    durationMs: isQuick ? 5_000 : 15_000,
    begun: new Set<Engine>(),
    ours: meridianContestant(profile),
    theirs: args.includes('--ours') ? undefined : MIRROR_MAKER_TUNED,
  };
  const lines: MirrorLine[] = [];
  const failures: string[] = [];
  try {
    for (const name of names)
      await ROWS[name](setting).then(
        (more) => lines.push(...more),
        (error: Error) => failures.push(`${name}: ${error.stack}`),
      );
  } finally {
    await setting.regions.remove();
  }
  return { columns: MIRROR_COLUMNS, lines: lines.map(cellsOf), failures };
}

type Measures = readonly (Asked & { readonly name: string; readonly unit: string })[];

/** Both contestants, each on its pair, in turns; medians of what each round measured. */
async function compare(
  { rounds, ours, theirs }: Setting,
  work: string,
  measures: Measures,
  round: (contestant: Contestant) => Promise<readonly number[]>,
): Promise<MirrorLine[]> {
  const results = new Map<Contestant, (readonly number[])[]>();
  const both = theirs === undefined ? [ours] : [ours, theirs];
  for (let count = 0; count < rounds; count++)
    for (const contestant of count % 2 === 0 ? both : both.toReversed()) {
      const values = await round(contestant);
      results.set(contestant, [...(results.get(contestant) ?? []), values]);
      console.error(
        `${contestant.name}, ${work}: ${values.map((value, at) => `${measures[at]!.name} ${format(value)}`).join(', ')}`,
      );
    }
  const of = (contestant: Contestant | undefined, at: number): number =>
    contestant === undefined ? Number.NaN : median((results.get(contestant) ?? []).map((values) => values[at]!));
  return measures.map(({ name, ...asked }, at) => ({
    ...asked,
    work: at === 0 ? work : '',
    measure: name,
    meridian: of(ours, at),
    mirrorMaker: of(theirs, at),
  }));
}

const COPY_MEASURES = (asked: { rate?: number; cpu?: number } & { first?: number; memory?: number }): Measures => [
  { name: 'records/s', unit: '', ...(asked.rate !== undefined && { ratioAtLeast: asked.rate }) },
  { name: 'throughput', unit: 'MB/s' },
  { name: 'CPU of the mirror per MB', unit: 'ms', ...(asked.cpu !== undefined && { ratioAtMost: asked.cpu }) },
  { name: 'CPU of the target per MB', unit: 'ms' },
  { name: 'first record after', unit: 'ms', ...(asked.first !== undefined && { atMost: asked.first }) },
  { name: 'memory at most', unit: 'MB', ...(asked.memory !== undefined && { atMost: asked.memory }) },
];

const valuesOf = (result: CopyResult): number[] => [
  result.recordsPerSecond,
  result.mbPerSecond,
  result.cpuMsPerMb,
  result.targetCpuMsPerMb,
  result.firstRecordMs,
  result.peakMb,
];

/** MirrorMaker 2 always copies between Apache Kafka's brokers. */
async function pairFor({ regions, ours, begun }: Setting, contestant: Contestant, engine: Engine): Promise<Pair> {
  const pair = await regions.pair(contestant === ours ? engine : 'kafka');
  if (contestant !== ours || begun.has(engine)) return pair;
  begun.add(engine);
  console.error(`${ours.name}, ${engine}: first record of the first start ${format(await firstStart(ours, pair))} ms`);
  return pair;
}

function embedded(setting: Setting): Promise<MirrorLine[]> {
  const measures = COPY_MEASURES({ rate: 8, cpu: 1 / 12, first: 1_000, memory: 120 });
  return compare(setting, 'embedded → embedded, 3 M records of 100 B in 16 KB batches', measures, async (contestant) =>
    valuesOf(await copyRound(contestant, await pairFor(setting, contestant, 'embedded'), 'batches')),
  );
}

function kafka(setting: Setting): Promise<MirrorLine[]> {
  const measures = COPY_MEASURES({ rate: 3, cpu: 1 / 8, first: 1_000, memory: 120 });
  return compare(setting, 'Kafka → Kafka, the same', measures, async (contestant) =>
    valuesOf(await copyRound(contestant, await pairFor(setting, contestant, 'kafka'), 'batches')),
  );
}

async function single(setting: Setting): Promise<MirrorLine[]> {
  const run = (engine: Engine) =>
    compare(setting, `${engine} → ${engine}, 300,000 records, one a batch`, COPY_MEASURES({}), async (contestant) =>
      valuesOf(await copyRound(contestant, await pairFor(setting, contestant, engine), 'single')),
    );
  return [...(await run('embedded')), ...(await run('kafka'))];
}

const FAR_SHARE = 0.6;
const FAR_MB_PER_SECOND = 100;

async function far(setting: Setting): Promise<MirrorLine[]> {
  const { ours, regions } = setting;
  const near = await copyRound(ours, await regions.pair('embedded'), 'batches');
  const asked = Math.min(FAR_MB_PER_SECOND, FAR_SHARE * near.mbPerSecond);
  const measures: Measures = [
    { name: 'throughput', unit: 'MB/s', atLeast: asked },
    { name: 'memory at most', unit: 'MB', atMost: 200 },
  ];
  return compare(setting, 'the same through a round trip of 100 ms', measures, async (contestant) => {
    const pair = await regions.farPair(contestant === ours ? 'embedded' : 'kafka');
    const { mbPerSecond, peakMb } = await copyRound(contestant, pair, 'batches');
    return [mbPerSecond, peakMb];
  });
}

function idle(setting: Setting): Promise<MirrorLine[]> {
  const measures: Measures = [
    { name: 'CPU, all idle', unit: '% of a core', atMost: 3 },
    { name: 'CPU, 20 active (1,000 records/s)', unit: '% of a core' },
    { name: 'lag of an active one: p50', unit: 'ms' },
    { name: 'p99', unit: 'ms', atMost: 100 },
  ];
  return compare({ ...setting, rounds: 1 }, '2,000 partitions', measures, async (contestant) => {
    const pair = await pairFor(setting, contestant, 'embedded');
    const { idlePercent, activePercent, lagP50Ms, lagP99Ms } = await idleRound(contestant, pair, setting.durationMs);
    return [idlePercent, activePercent, lagP50Ms, lagP99Ms];
  });
}

function latency(setting: Setting): Promise<MirrorLine[]> {
  const measures: Measures = [
    { name: 'p50', unit: 'ms', atMost: 3 },
    { name: 'p99', unit: 'ms', atMost: 15 },
  ];
  return compare(setting, 'acknowledged here → readable there, 2,000 records/s', measures, async (contestant) => {
    const pair = await pairFor(setting, contestant, 'embedded');
    const latencies = await latencyRound(contestant, pair, 2_000, setting.durationMs);
    return [quantile(latencies, 0.5), quantile(latencies, 0.99)];
  });
}

async function wire(setting: Setting): Promise<MirrorLine[]> {
  const measures: Measures = [
    { name: 'throughput of records', unit: 'MB/s' },
    { name: 'on the wire, of 100 bytes', unit: 'B' },
    { name: 'CPU of the mirror per MB', unit: 'ms' },
    { name: 'CPU of the origin per MB', unit: 'ms' },
    { name: 'memory at most', unit: 'MB' },
  ];
  const lines: MirrorLine[] = [];
  for (const compression of ['none', 'zstd', 'lz4']) {
    const ours = meridianContestant([], { compression });
    const given = { ...setting, ours, theirs: undefined };
    lines.push(
      ...(await compare(given, `JSON through a round trip of 100 ms, compression ${compression}`, measures, async () =>
        wireRound(ours, await setting.regions.farPair('embedded')),
      )),
    );
  }
  return lines;
}
