/**
 * `npm run chaos -- mirror --pairing ee|ek|ke|kk [--minutes M] [--rate N] [--nodes 3] [--no-mm2]`: two regions as real
 * processes and our mirror between them, under load; kill -9 of the mirror, of the origin's broker and of the target's in
 * turn, each started again at once. At the end the copy must be the origin, record by record. From Kafka to Kafka,
 * MirrorMaker 2 copies the same topic beside it and dies with it; its duplicates and losses are counted. With `--nodes 3` a
 * Kafka that is the target has three: who leads the copy dies, and leaders move. Ends with 0 only if nothing was found.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createTopic, pause } from '../../bench/mirror/topics.ts';
import { copyName, meridianMirror } from '../../peers/meridian-mirror.ts';
import type { Engine } from '../../peers/mirror-region.ts';
import { compareNumbers, numbersIn } from './audit.ts';
import { type Copy, untilBegun, untilCaughtUp, untilQuiet } from './ends.ts';
import { startLoad } from './load.ts';
import { oneBroker, type Side, threeKafkas, type Victim } from './side.ts';
import { SupervisedMirrorMaker } from './supervisor.ts';

const PORTS = { from: 23_300, to: 23_310, management: 23_350 } as const;
const TOPIC = 'chaos';
const PARTITIONS = 2;
const ENGINES: Record<string, Engine> = { e: 'embedded', k: 'kafka' };
/** MirrorMaker names copies by its name of a cluster: another one than ours. */
const MM2_FROM = 'mm2west';
const MM2_HEAP = '512M';
const USAGE =
  'usage: npm run chaos -- mirror --pairing ee|ek|ke|kk [--minutes M] [--rate N] [--nodes 3] [--no-mm2]; three nodes at Kafka only';

const { values: options } = parseArgs({
  options: {
    pairing: { type: 'string', default: 'ee' },
    minutes: { type: 'string', default: '2' },
    rate: { type: 'string', default: '20000' },
    nodes: { type: 'string', default: '1' },
    'no-mm2': { type: 'boolean', default: false },
  },
});
const [from, to] = [...(options.pairing ?? '')].map((initial) => ENGINES[initial]);
const minutes = Number(options.minutes);
const hasThree = options.nodes === '3';
if (from === undefined || to === undefined || !(minutes > 0) || (hasThree && to !== 'kafka')) {
  console.error(USAGE);
  process.exit(2);
}
process.exit((await run(from, to)) ? 0 : 1);

async function run(fromEngine: Engine, toEngine: Engine): Promise<boolean> {
  const copy = copyName({ name: 'west' }, TOPIC);
  const east = { engine: toEngine, name: 'east', id: 2, port: PORTS.to };
  const origin = await oneBroker({ engine: fromEngine, name: 'west', id: 1, port: PORTS.from });
  const target = await (hasThree ? threeKafkas(east, copy) : oneBroker(east));
  const mirror = meridianMirror({ from: origin, to: target, topics: [TOPIC], managementPort: PORTS.management });
  // Its own topics would have one replica: it is no comparison where brokers may die.
  const hasMm2 = fromEngine === 'kafka' && toEngine === 'kafka' && !hasThree && !options['no-mm2'];
  const mm2 = hasMm2 ? mm2Beside(origin, target) : undefined;
  try {
    await origin.start();
    await target.start();
    await createTopic(origin.port, TOPIC, PARTITIONS, { 'retention.ms': '-1' });
    await mirror.start();
    await mm2?.start();
    return await withLoad(origin, target, mirror, mm2);
  } finally {
    await mirror.kill();
    rmSync(mirror.folder, { recursive: true, force: true });
    await mm2?.remove();
    await origin.remove();
    await target.remove();
  }
}

async function withLoad(
  origin: Side,
  target: Side,
  mirror: Victim,
  mm2: SupervisedMirrorMaker | undefined,
): Promise<boolean> {
  const perSecond = Number(options.rate);
  const load = await startLoad({ port: origin.port, topic: TOPIC, partitions: PARTITIONS, perSecond });
  const copied = (topic: string): Copy => ({ bootstrap: target.bootstrap, topic, partitions: PARTITIONS });
  const ours = copied(copyName(origin, TOPIC));
  const theirs = copied(`${MM2_FROM}.${TOPIC}`);
  await untilBegun(ours);
  if (mm2 !== undefined) await untilBegun(theirs);
  const mirrors = mm2 === undefined ? [mirror] : [mirror, mm2];
  const { moveLeaders } = target;
  const turns: Turn[] = [
    ['kill -9 of the mirror', () => killed(mirrors)],
    ["kill -9 of the origin's broker", () => killed([origin.leader])],
    [`kill -9 of ${hasThree ? "the copy's leader" : "the target's broker"}`, () => killed([target.leader])],
    ...(moveLeaders === undefined ? [] : [["the copy's leaders move", moveLeaders] as const]),
  ];
  await faults(turns, minutes * 60_000);
  await load.stop();
  console.log(`${load.acknowledged.reduce((sum, count) => sum + count, 0)} records are acknowledged`);
  const counts = await originCounts(origin, load.acknowledged);
  await untilCaughtUp(ours, counts);
  const isEqual = await audit('our mirror', ours, counts);
  if (mm2 === undefined) return isEqual;
  await untilQuiet(theirs);
  await audit('MirrorMaker 2', theirs, counts);
  console.log(`MirrorMaker 2 was started again besides: ${mm2.restarts.join(', ') || 'never'}`);
  return isEqual;
}

function mm2Beside(origin: Side, target: Side): SupervisedMirrorMaker {
  const end = (name: string, { port }: Side) => ({ name, bootstrap: `127.0.0.1:${port}` });
  return new SupervisedMirrorMaker({
    ...{ from: end(MM2_FROM, origin), to: end(target.name, target) },
    ...{ topics: TOPIC, isTuned: true, heap: MM2_HEAP },
  });
}

/** Milliseconds until what was broken is well again. */
type Turn = readonly [name: string, strike: () => Promise<number>];

async function killed(victims: readonly Victim[]): Promise<number> {
  for (const victim of victims) await victim.kill();
  return Math.max(...(await Promise.all(victims.map((victim) => victim.start()))));
}

/** Each in turn, at least once. MirrorMaker dies whenever our mirror does. */
async function faults(turns: readonly Turn[], durationMs: number): Promise<void> {
  const rounds = Math.max(1, Math.floor(durationMs / (turns.length * 20_000)));
  const eachMs = durationMs / (rounds * turns.length);
  const began = performance.now();
  for (let turn = 0; turn < rounds * turns.length; turn++) {
    await pause(Math.max(0, began + turn * eachMs + eachMs / 2 - performance.now()));
    const [name, strike] = turns[turn % turns.length]!;
    const wellMs = Math.round(await strike());
    console.log(`${((performance.now() - began) / 1000).toFixed(1)} s: ${name}, well after ${wellMs} ms`);
  }
  await pause(Math.max(0, began + durationMs - performance.now()));
}

/** By partition, how many records there are to copy: all that were acknowledged, each once, in the order of their numbers. */
async function originCounts({ bootstrap }: Side, acknowledged: readonly number[]): Promise<number[]> {
  const counts: number[] = [];
  for (const [partition, least] of acknowledged.entries()) {
    const numbers = await numbersIn(bootstrap, TOPIC, partition);
    if (numbers.length < least || numbers.some((number, index) => number !== index))
      throw new Error(`the origin's partition ${partition} is not the ${least} records acknowledged`);
    counts.push(numbers.length);
  }
  return counts;
}

async function audit(who: string, { bootstrap, topic }: Copy, counts: readonly number[]): Promise<boolean> {
  const totals = { records: 0, lost: 0, twice: 0, outOfOrder: 0 };
  for (const [partition, count] of counts.entries()) {
    const compared = compareNumbers(count, await numbersIn(bootstrap, topic, partition));
    for (const key of ['records', 'lost', 'twice', 'outOfOrder'] as const) totals[key] += compared[key];
  }
  const { records, lost, twice, outOfOrder } = totals;
  console.log(`${who}: ${records} in the copy, ${lost} lost, ${twice} duplicated, ${outOfOrder} out of order`);
  return lost === 0 && twice === 0 && outOfOrder === 0;
}
