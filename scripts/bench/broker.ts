/**
 * `bench -- broker [--quick] [--only ROW] [--rounds N]`: Meridian's broker and Apache Kafka side by side on this machine,
 * the same load in turns, both warmed up first. Prints the ratios of medians, with what is asked of them.
 */

import { residentMb } from '../peers/process-usage.ts';
import { type Contestant, startKafkaContestant, startMeridianContestant } from './broker/contestant.ts';
import { ROWS, type Row } from './broker/rows.ts';
import type { BenchTable } from './main.ts';
import { median } from './quantiles.ts';
import { format, type Measure, RATIO_COLUMNS, ratioLine } from './ratio-table.ts';

interface Plan {
  readonly rows: readonly Row[];
  readonly warmUpMs: number;
  readonly rounds: number;
  readonly roundMs: number;
  readonly starts: number;
  readonly idleMs: number;
}

const FULL = { warmUpMs: 30_000, rounds: 3, roundMs: 2_500, starts: 3, idleMs: 5_000 };
const QUICK = { warmUpMs: 5_000, rounds: 1, roundMs: 1_500, starts: 1, idleMs: 1_000 };

const MEMORY: Measure[] = [
  { name: 'start', unit: 's', atMost: [0.25, 0.125] },
  { name: 'memory idle', unit: 'MB', atMost: [0.25, 0.2] },
  { name: 'memory under load', unit: 'MB', atMost: [0.25, 1 / 6] },
];

/** Of one contestant: per row and measure the value of every round. */
interface Tally {
  readonly rows: Map<Row, number[][]>;
  starts: number[];
  idleMb: number;
  loadedMb: number[];
}

export async function broker(args: readonly string[]): Promise<BenchTable> {
  const plan = planOf(args);
  const profileFlags = args.filter((arg) => /^--(cpu-|heap-)?prof/.test(arg));
  const starters = [() => startMeridianContestant(profileFlags), startKafkaContestant];
  const contestants: Contestant[] = [];
  try {
    const tallies: Tally[] = [];
    for (const start of starters) {
      const { contestant, tally } = await begin(start, plan);
      contestants.push(contestant);
      tallies.push(tally);
    }
    for (const contestant of contestants) await warmUp(contestant, plan);
    for (let round = 0; round < plan.rounds; round++) await runRound(contestants, tallies, plan, round);
    return tableOf(plan.rows, tallies);
  } finally {
    for (const contestant of contestants) await contestant.stop();
  }
}

function planOf(args: readonly string[]): Plan {
  const only = args.flatMap((arg, index) => (args[index - 1] === '--only' ? arg.split(',') : []));
  const rows = ROWS.filter((row) => only.length === 0 || only.includes(row.id));
  if (rows.length === 0) throw new Error(`no such row; known: ${ROWS.map((row) => row.id).join(', ')}`);
  const base = args.includes('--quick') ? QUICK : FULL;
  const rounds = Number(args[args.indexOf('--rounds') + 1]);
  return { ...base, rows, ...(args.includes('--rounds') ? { rounds } : {}) };
}

/** Starts it a few times, keeps the last, and lets it be idle for a while. */
async function begin(start: () => Promise<Contestant>, plan: Plan): Promise<{ contestant: Contestant; tally: Tally }> {
  const starts: number[] = [];
  let contestant = await start();
  starts.push(contestant.startMs / 1000);
  while (starts.length < plan.starts) {
    await contestant.stop();
    contestant = await start();
    starts.push(contestant.startMs / 1000);
  }
  await new Promise((done) => setTimeout(done, plan.idleMs));
  const tally = { rows: new Map(plan.rows.map((row) => [row, [] as number[][]])), starts, loadedMb: [] };
  return { contestant, tally: { ...tally, idleMb: residentMb(contestant.pid) } };
}

async function warmUp(contestant: Contestant, plan: Plan): Promise<void> {
  console.error(`warming up ${contestant.name}`);
  const eachMs = plan.warmUpMs / plan.rows.length;
  for (const row of plan.rows) await row.run(contestant, eachMs);
}

/** Who goes first changes with every round. */
async function runRound(
  contestants: readonly Contestant[],
  tallies: readonly Tally[],
  plan: Plan,
  round: number,
): Promise<void> {
  for (const row of plan.rows) {
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    for (const index of order) {
      const result = await row.run(contestants[index]!, plan.roundMs);
      tallies[index]!.rows.get(row)!.push(result.values);
      if (result.residentMb !== undefined) tallies[index]!.loadedMb.push(result.residentMb);
      const values = result.values.map((value, at) => `${row.measures[at]!.name} ${format(value)}`).join(', ');
      console.error(`round ${round + 1}, ${contestants[index]!.name}: ${row.work}: ${values}`);
    }
  }
}

function tableOf(rows: readonly Row[], tallies: readonly Tally[]): BenchTable {
  const lines: string[][] = [];
  for (const row of rows) {
    row.measures.forEach((measure, at) => {
      const values = tallies.map((tally) => median(tally.rows.get(row)!.map((round) => round[at]!)));
      lines.push(ratioLine(at === 0 ? row.work : '', measure, values));
    });
  }
  const memory = tallies.map((tally) => [median(tally.starts), tally.idleMb, Math.max(...tally.loadedMb, 0)]);
  MEMORY.forEach((measure, at) => {
    lines.push(
      ratioLine(
        at === 0 ? 'the process' : '',
        measure,
        memory.map((values) => values[at]!),
      ),
    );
  });
  return { columns: RATIO_COLUMNS, lines };
}
