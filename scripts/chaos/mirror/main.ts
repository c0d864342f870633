/**
 * `npm run chaos -- mirror --pairing ee|ek|ke|kk [--minutes M] [--rate N] [--no-mm2]`: two regions as real processes and our
 * mirror between them, under load; kill -9 of the mirror, of the origin's broker and of the target's in turn, each started
 * again at once. At the end the copy must be the origin, record by record. From Kafka to Kafka, MirrorMaker 2 copies the
 * same topic beside it and dies with it; its duplicates and losses are counted. Ends with 0 only if nothing was found.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createTopic, EndProbe, pause } from '../../bench/mirror/topics.ts';
import { copyName, meridianMirror } from '../../peers/meridian-mirror.ts';
import { type Engine, type MirrorRegion, openRegion } from '../../peers/mirror-region.ts';
import type { NodeProcess } from '../../peers/node-process.ts';
import { compareNumbers, numbersIn } from './audit.ts';
import { startLoad } from './load.ts';
import { SupervisedMirrorMaker } from './supervisor.ts';

const PORTS = { from: 23_300, to: 23_310, management: 23_320 } as const;
const TOPIC = 'chaos';
const PARTITIONS = 2;
const ENGINES: Record<string, Engine> = { e: 'embedded', k: 'kafka' };
const SETTLE_MS = 5_000;
const BEGUN_POLL_MS = 200;
const CAUGHT_UP_MS = 180_000;
/** MirrorMaker's worker is let in again when its predecessor's session is over; then its tasks begin. */
const MM2_QUIET_MS = 60_000;
const MM2_LIMIT_MS = 300_000;
/** MirrorMaker names copies by its name of a cluster: another one than ours. */
const MM2_FROM = 'mm2west';
/** An acknowledged record must outlive the death of its broker's process, not that of the machine. */
const CONFIGS = { 'log.segment.delete.delay.ms': '500' };

const { values: options } = parseArgs({
  options: {
    pairing: { type: 'string', default: 'ee' },
    minutes: { type: 'string', default: '2' },
    rate: { type: 'string', default: '20000' },
    'no-mm2': { type: 'boolean', default: false },
  },
});
const [from, to] = [...(options.pairing ?? '')].map((initial) => ENGINES[initial]);
const minutes = Number(options.minutes);
if (from === undefined || to === undefined || !(minutes > 0)) {
  console.error('usage: npm run chaos -- mirror --pairing ee|ek|ke|kk [--minutes M] [--rate N] [--no-mm2]');
  process.exit(2);
}
process.exit((await run(from, to)) ? 0 : 1);

async function run(fromEngine: Engine, toEngine: Engine): Promise<boolean> {
  const west = await openRegion({
    engine: fromEngine,
    name: 'west',
    id: 1,
    port: PORTS.from,
    configs: CONFIGS,
    heap: '512M',
  });
  const east = await openRegion({
    engine: toEngine,
    name: 'east',
    id: 2,
    port: PORTS.to,
    configs: CONFIGS,
    heap: '512M',
  });
  const mirror = meridianMirror({ from: west, to: east, topics: [TOPIC], managementPort: PORTS.management });
  const hasMm2 = fromEngine === 'kafka' && toEngine === 'kafka' && !options['no-mm2'];
  const mm2 = hasMm2 ? mm2Beside(west, east) : undefined;
  try {
    await west.node.start();
    await east.node.start();
    await createTopic(west.port, TOPIC, PARTITIONS, { 'retention.ms': '-1' });
    await mirror.start();
    await mm2?.start();
    const load = await startLoad({
      port: west.port,
      topic: TOPIC,
      partitions: PARTITIONS,
      perSecond: Number(options.rate),
    });
    const ours = copyName(west, TOPIC);
    const theirs = `${MM2_FROM}.${TOPIC}`;
    await untilBegun(east.port, ours);
    if (mm2 !== undefined) await untilBegun(east.port, theirs);
    await faults({ mirror, west: west.node, east: east.node, mm2 }, minutes * 60_000);
    await load.stop();
    console.log(`${load.acknowledged.reduce((sum, count) => sum + count, 0)} records are acknowledged`);
    const counts = await originCounts(west, load.acknowledged);
    await untilCaughtUp(east.port, ours, counts);
    const isEqual = await audit('our mirror', east, ours, counts);
    if (mm2 !== undefined) {
      await untilQuiet(east.port, theirs);
      await audit('MirrorMaker 2', east, theirs, counts);
      console.log(`MirrorMaker 2 was started again besides: ${mm2.restarts.join(', ') || 'never'}`);
    }
    return isEqual;
  } finally {
    await mirror.kill();
    rmSync(mirror.folder, { recursive: true, force: true });
    await mm2?.remove();
    await west.remove();
    await east.remove();
  }
}

function mm2Beside(west: MirrorRegion, east: MirrorRegion): SupervisedMirrorMaker {
  const end = (name: string, { port }: MirrorRegion) => ({ name, bootstrap: `127.0.0.1:${port}` });
  return new SupervisedMirrorMaker({
    ...{ from: end(MM2_FROM, west), to: end('east', east) },
    ...{ topics: TOPIC, isTuned: true, heap: '512M' },
  });
}

type Victim = Pick<NodeProcess, 'start' | 'kill'>;

interface Victims {
  readonly mirror: Victim;
  readonly west: Victim;
  readonly east: Victim;
  readonly mm2: Victim | undefined;
}

/** Each in turn, at least once. MirrorMaker dies whenever our mirror does. */
async function faults({ mirror, west, east, mm2 }: Victims, durationMs: number): Promise<void> {
  const turns: [name: string, victims: Victim[]][] = [
    ['the mirror', mm2 === undefined ? [mirror] : [mirror, mm2]],
    ["the origin's broker", [west]],
    ["the target's broker", [east]],
  ];
  const rounds = Math.max(1, Math.floor(durationMs / (turns.length * 20_000)));
  const eachMs = durationMs / (rounds * turns.length);
  const began = performance.now();
  for (let turn = 0; turn < rounds * turns.length; turn++) {
    await pause(Math.max(0, began + turn * eachMs + eachMs / 2 - performance.now()));
    const [name, victims] = turns[turn % turns.length]!;
    for (const victim of victims) await victim.kill();
    const startedMs = await Promise.all(victims.map((victim) => victim.start()));
    console.log(
      `${((performance.now() - began) / 1000).toFixed(1)} s: kill -9 of ${name}, back after ${Math.round(Math.max(...startedMs))} ms`,
    );
  }
  await pause(Math.max(0, began + durationMs - performance.now()));
}

/** By partition, how many records there are to copy: all that were acknowledged, each once, in the order of their numbers. */
async function originCounts(west: MirrorRegion, acknowledged: readonly number[]): Promise<number[]> {
  const counts: number[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const numbers = await numbersIn(west.port, TOPIC, partition);
    if (numbers.length < acknowledged[partition]! || numbers.some((number, index) => number !== index))
      throw new Error(`the origin's partition ${partition} is not the ${acknowledged[partition]} records acknowledged`);
    counts.push(numbers.length);
  }
  return counts;
}

/** Whoever is not copying yet has nothing to lose. */
async function untilBegun(port: number, copy: string): Promise<void> {
  const until = performance.now() + CAUGHT_UP_MS;
  await watchEnds(port, copy, (ends) => ends.every((end) => end > 0) || performance.now() > until, BEGUN_POLL_MS);
}

/** Or no further for so long that it is not going to. */
async function untilCaughtUp(port: number, copy: string, counts: readonly number[]): Promise<void> {
  const until = performance.now() + CAUGHT_UP_MS;
  const isThere = (ends: readonly number[]): boolean => ends.every((end, partition) => end >= counts[partition]!);
  await watchEnds(port, copy, (ends, stillMs) => (isThere(ends) && stillMs > 0) || performance.now() > until);
}

/** Nothing has come for a while: whatever it repeats is there. */
async function untilQuiet(port: number, copy: string): Promise<void> {
  const until = performance.now() + MM2_LIMIT_MS;
  await watchEnds(port, copy, (_ends, stillMs) => stillMs >= MM2_QUIET_MS || performance.now() > until);
}

async function watchEnds(
  port: number,
  copy: string,
  isEnough: (ends: readonly number[], stillMs: number) => boolean,
  pollMs = SETTLE_MS,
): Promise<void> {
  const probe = await EndProbe.open(port);
  let [before, since] = ['', performance.now()];
  try {
    for (;;) {
      const ends = await probe.ends(copy, PARTITIONS);
      if (ends.join() !== before) [before, since] = [ends.join(), performance.now()];
      if (isEnough(ends, performance.now() - since)) return;
      await pause(pollMs);
    }
  } finally {
    probe.close();
  }
}

async function audit(who: string, east: MirrorRegion, copy: string, counts: readonly number[]): Promise<boolean> {
  const totals = { records: 0, lost: 0, twice: 0, outOfOrder: 0 };
  for (const [partition, count] of counts.entries()) {
    const compared = compareNumbers(count, await numbersIn(east.port, copy, partition));
    for (const key of ['records', 'lost', 'twice', 'outOfOrder'] as const) totals[key] += compared[key];
  }
  const { records, lost, twice, outOfOrder } = totals;
  console.log(`${who}: ${records} in the copy, ${lost} lost, ${twice} duplicated, ${outOfOrder} out of order`);
  return lost === 0 && twice === 0 && outOfOrder === 0;
}
