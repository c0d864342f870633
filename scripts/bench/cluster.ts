/**
 * `bench -- cluster [--only ROW,…] [--rounds N] [--warm-up SECONDS] [--meridian | --kafka] [--partitions N]`: three brokers
 * of Meridian and three of Apache Kafka side by side on this machine, the same load in turns, both warmed up first. Prints
 * the ratios of medians, with what is asked of them.
 */
import { type Cluster, type ClusterOptions, clusterResidentMb } from '../peers/cluster.ts';
import { pause } from '../peers/cluster-admin.ts';
import { kafkaCluster } from '../peers/kafka-cluster.ts';
import { meridianCluster } from '../peers/meridian-cluster.ts';
import { controllerFailOver } from './cluster/controller-fail-over.ts';
import { type ClusterRow, COLD, LOAD_ROWS } from './cluster/load-rows.ts';
import { OUTAGE_ROWS } from './cluster/outage.ts';
import { REASSIGNMENT_ROW } from './cluster/reassignment.ts';
import { BENCH_CONFIGS } from './cluster/replicated-topic.ts';
import type { BenchTable } from './main.ts';
import { median } from './quantiles.ts';
import { format, type Measure, RATIO_COLUMNS, ratioLine } from './ratio-table.ts';

const PORTS = { meridian: 30_100, kafka: 30_200 } as const;
const STARTS = 'start';
const FAIL_OVER = 'controller-fail-over';
const TROUBLE_ROWS: readonly ClusterRow[] = [...OUTAGE_ROWS, REASSIGNMENT_ROW];
const ROWS: readonly ClusterRow[] = [...LOAD_ROWS, ...TROUBLE_ROWS];
const IDS = [STARTS, COLD.id, ...ROWS.map(({ id }) => id), FAIL_OVER];
const ROUND_MS = 4_000;
const COLD_MS = 8_000;
const IDLE_MS = 5_000;
const START_COUNT = 3;

/** Equal session timeouts: Kafka's defaults. Internal topics of few partitions; new topics need not be thinned out. */
const CONFIGS = {
  ...BENCH_CONFIGS,
  'broker.session.timeout.ms': '9000',
  'broker.heartbeat.interval.ms': '2000',
};
const START: Measure = { name: 'until all are ready', unit: 's', atMost: [0.25, 0.125] };
const MEMORY: readonly Measure[] = [
  { name: 'memory of all, idle', unit: 'MB', atMost: [1 / 3, 1 / 4] },
  { name: 'memory of all under load', unit: 'MB', atMost: [1 / 3, 1 / 4] },
];
const FAIL_OVER_MEASURES: readonly Measure[] = [
  { name: 'until another one creates a topic', unit: 's', ownAtMost: [2, 1] },
  { name: 'until every partition has a leader', unit: 's' },
  { name: 'creation, until all replicas are in sync', unit: 's' },
];

/** What could not be measured. */
const failures: string[] = [];

interface Plan {
  readonly isWanted: (id: string) => boolean;
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly partitions: number;
  readonly kinds: readonly ('meridian' | 'kafka')[];
  readonly nodeFlags: readonly string[];
}

/** Of one contestant: per row the values of every round. */
interface Tally {
  readonly rows: Map<string, number[][]>;
  readonly startsSeconds: number[];
  idleMb: number;
  readonly loadedMb: number[];
}

interface Contestant {
  readonly kind: 'meridian' | 'kafka';
  readonly cluster: Cluster;
  readonly tally: Tally;
}

export async function cluster(args: readonly string[]): Promise<BenchTable> {
  const plan = planOf(args);
  const tallies = new Map(plan.kinds.map((kind) => [kind, newTally()]));
  const needsShared = IDS.some((id) => id !== FAIL_OVER && plan.isWanted(id));
  if (needsShared) await onSharedClusters(plan, tallies);
  if (plan.isWanted(FAIL_OVER)) {
    for (const kind of plan.kinds) await runFailOver(plan, kind, tallies.get(kind)!);
  }
  return tableOf(plan, tallies);
}

function planOf(args: readonly string[]): Plan {
  const after = (name: string): string | undefined => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : args[at + 1];
  };
  const only = after('--only')?.split(',') ?? [];
  const unknown = only.filter((id) => !IDS.includes(id));
  if (unknown.length > 0) throw new Error(`no row ${unknown}; known: ${IDS.join(', ')}`);
  const isWanted = (id: string): boolean => only.length === 0 || only.includes(id);
  const kinds = (['meridian', 'kafka'] as const).filter((kind) => args.includes(`--${kind}`));
  return {
    isWanted,
    rounds: Number(after('--rounds') ?? 3),
    warmUpMs: 1_000 * Number(after('--warm-up') ?? 40),
    partitions: Number(after('--partitions') ?? 10_000),
    kinds: kinds.length > 0 ? kinds : ['meridian', 'kafka'],
    nodeFlags: args.filter((arg) => /^--(cpu-|heap-)?prof/.test(arg)),
  };
}

const newTally = (): Tally => ({ rows: new Map(), startsSeconds: [], idleMb: Number.NaN, loadedMb: [] });

async function openCluster(plan: Plan, kind: 'meridian' | 'kafka'): Promise<Cluster> {
  const options: ClusterOptions = { port: PORTS[kind], configs: CONFIGS, nodeFlags: plan.nodeFlags };
  const opened = kind === 'meridian' ? meridianCluster(options) : await kafkaCluster(options);
  for (const node of opened.nodes) {
    node.onDeath = (how) => {
      console.error(`${opened.name}: node ${node.id} ended with ${how}\n${node.output.slice(-20).join('\n')}`);
      process.exit(1);
    };
  }
  return opened;
}

async function onSharedClusters(plan: Plan, tallies: ReadonlyMap<string, Tally>): Promise<void> {
  const contestants: Contestant[] = [];
  try {
    for (const kind of plan.kinds) {
      const contestant = { kind, cluster: await openCluster(plan, kind), tally: tallies.get(kind)! };
      contestants.push(contestant);
      await begin(contestant, plan);
    }
    for (const contestant of contestants) await warmUp(contestant, plan);
    // Loads first, all rounds of them: a node that was killed comes back cold.
    for (const rows of [LOAD_ROWS, TROUBLE_ROWS]) {
      const wanted = rows.filter(({ id }) => plan.isWanted(id));
      for (let round = 0; round < plan.rounds; round++) await runRound(contestants, wanted, round);
    }
  } finally {
    for (const contestant of contestants) {
      // A profile is written at an orderly end.
      if (plan.nodeFlags.length > 0) await contestant.cluster.stop();
      await contestant.cluster.remove();
    }
  }
}

/** Starts it a few times; the last start's first seconds are the cold figure. */
async function begin({ cluster: nodes, tally }: Contestant, plan: Plan): Promise<void> {
  const starts = plan.isWanted(STARTS) ? START_COUNT : 1;
  for (let count = 0; count < starts; count++) {
    if (count > 0) await nodes.stop();
    tally.startsSeconds.push((await nodes.start()) / 1_000);
  }
  console.error(`${nodes.name}: started in ${tally.startsSeconds.map(format).join(', ')} s`);
  if (plan.isWanted(COLD.id)) await measure(COLD, nodes, COLD_MS, tally, 'cold');
  await pause(IDLE_MS);
  tally.idleMb = clusterResidentMb(nodes);
}

/** All the time with batches, half as long again with single records. */
async function warmUp({ cluster: nodes }: Contestant, plan: Plan): Promise<void> {
  console.error(`warming up ${nodes.name}`);
  for (const [row, share] of [
    [LOAD_ROWS[0], 1],
    [LOAD_ROWS[1], 0.5],
  ] as const) {
    const endMs = performance.now() + share * plan.warmUpMs;
    while (performance.now() < endMs) await row!.run(nodes, Math.min(ROUND_MS, plan.warmUpMs));
  }
}

/** Who goes first changes with every round. */
async function runRound(contestants: readonly Contestant[], rows: readonly ClusterRow[], round: number): Promise<void> {
  const order = round % 2 === 0 ? contestants : contestants.toReversed();
  for (const row of rows) {
    for (const { cluster: nodes, tally } of order) {
      await measure(row, nodes, ROUND_MS, tally, `round ${round + 1}`);
    }
  }
}

async function measure(row: ClusterRow, nodes: Cluster, durationMs: number, tally: Tally, when: string): Promise<void> {
  const run = row.run(nodes, durationMs).catch((error: Error) => {
    failures.push(`${nodes.name}, ${row.id}: ${error.message}`);
    console.error(error);
    return { values: row.measures.map(() => Number.NaN), residentMb: undefined };
  });
  const { values, residentMb } = await run;
  tally.rows.set(row.id, [...(tally.rows.get(row.id) ?? []), values]);
  if (residentMb !== undefined) tally.loadedMb.push(residentMb);
  const shown = values.map((value, at) => `${row.measures[at]!.name} ${format(value)}`).join(', ');
  console.error(`${when}, ${nodes.name}: ${row.work}: ${shown}`);
}

async function runFailOver(plan: Plan, kind: 'meridian' | 'kafka', tally: Tally): Promise<void> {
  const nodes = await openCluster(plan, kind);
  try {
    await nodes.start();
    const { controllerSeconds, leadersSeconds, creationSeconds } = await controllerFailOver(nodes, plan.partitions);
    const values = [controllerSeconds, leadersSeconds, creationSeconds];
    console.error(`${nodes.name}: controller fail-over with ${plan.partitions} partitions: ${values.map(format)} s`);
    tally.rows.set(FAIL_OVER, [values]);
  } finally {
    await nodes.remove();
  }
}

function tableOf(plan: Plan, tallies: ReadonlyMap<string, Tally>): BenchTable {
  const of = (value: (tally: Tally) => number): number[] =>
    ['meridian', 'kafka'].map((kind) => (tallies.has(kind) ? value(tallies.get(kind)!) : Number.NaN));
  const lines: string[][] = [];
  const add = (work: string, measures: readonly Measure[], id: string): void => {
    measures.forEach((each, at) => {
      const values = of((tally) => median((tally.rows.get(id) ?? []).map((round) => round[at]!)));
      lines.push(ratioLine(at === 0 ? work : '', each, values));
    });
  };
  for (const row of [COLD, ...ROWS]) if (plan.isWanted(row.id)) add(row.work, row.measures, row.id);
  const failOver = `the active controller is killed, ${plan.partitions.toLocaleString('en')} partitions`;
  if (plan.isWanted(FAIL_OVER)) add(failOver, FAIL_OVER_MEASURES, FAIL_OVER);
  if (plan.isWanted(STARTS)) {
    lines.push(
      ratioLine(
        'start of three',
        START,
        of(({ startsSeconds }) => median(startsSeconds)),
      ),
    );
    lines.push(
      ratioLine(
        '',
        MEMORY[0]!,
        of(({ idleMb }) => idleMb),
      ),
    );
    lines.push(
      ratioLine(
        '',
        MEMORY[1]!,
        of(({ loadedMb }) => (loadedMb.length > 0 ? Math.max(...loadedMb) : Number.NaN)),
      ),
    );
  }
  return { columns: RATIO_COLUMNS, lines, failures };
}
