/**
 * `npm run chaos -- mirror --pairing ee|ek|ke|kk [--minutes M] [--rate N] [--no-mm2]`: two regions as real processes and our
 * mirror between them, under load; kill -9 of the mirror, of the origin's broker and of the target's in turn, each started
 * again at once. At the end the copy must be the origin, record by record. From Kafka to Kafka, MirrorMaker 2 copies the
 * same topic beside it and dies with it; its duplicates and losses are counted. Ends with 0 only if nothing was found.
 */
import { parseArgs } from 'node:util';
import { createTopic, EndProbe, pause } from '../../bench/mirror/topics.ts';
import { copyName, meridianMirror } from '../../peers/meridian-mirror.ts';
import { mirrorMaker } from '../../peers/mirror-maker.ts';
import { type Engine, type MirrorRegion, openRegion } from '../../peers/mirror-region.ts';
import type { NodeProcess } from '../../peers/node-process.ts';
import { compareNumbers, numbersIn } from './audit.ts';
import { startLoad } from './load.ts';

const PORTS = { from: 23_300, to: 23_310, management: 23_320 } as const;
const TOPIC = 'chaos';
const PARTITIONS = 2;
const ENGINES: Record<string, Engine> = { e: 'embedded', k: 'kafka' };
const SETTLE_MS = 5_000;
const CAUGHT_UP_MS = 180_000;
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
    await faults({ mirror, west: west.node, east: east.node, mm2 }, minutes * 60_000);
    await load.stop();
    console.log(`${load.acknowledged.reduce((sum, count) => sum + count, 0)} records are acknowledged`);
    const copies = [copyName(west, TOPIC), ...(mm2 === undefined ? [] : [`${MM2_FROM}.${TOPIC}`])];
    for (const copy of copies) await untilQuiet(east.port, copy, load.acknowledged, copy === copies[0]);
    const isEqual = await audit('our mirror', west, east, copies[0]!, load.acknowledged);
    if (mm2 !== undefined) await audit('MirrorMaker 2', west, east, copies[1]!, load.acknowledged);
    return isEqual;
  } finally {
    await mirror.kill();
    await mm2?.kill();
    await west.remove();
    await east.remove();
  }
}

function mm2Beside(west: MirrorRegion, east: MirrorRegion): NodeProcess {
  const end = (name: string, { port }: MirrorRegion) => ({ name, bootstrap: `127.0.0.1:${port}` });
  return mirrorMaker({ from: end(MM2_FROM, west), to: end('east', east), topics: TOPIC, isTuned: true, heap: '512M' });
}

interface Victims {
  readonly mirror: NodeProcess;
  readonly west: NodeProcess;
  readonly east: NodeProcess;
  readonly mm2: NodeProcess | undefined;
}

/** Each in turn, at least once. MirrorMaker dies whenever our mirror does. */
async function faults({ mirror, west, east, mm2 }: Victims, durationMs: number): Promise<void> {
  const turns: [name: string, victims: NodeProcess[]][] = [
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

/** As many records as were acknowledged, or no more for a while. Ours has to get there. */
async function untilQuiet(port: number, copy: string, wanted: readonly number[], isOurs: boolean): Promise<void> {
  const probe = await EndProbe.open(port);
  let before = '';
  const until = performance.now() + CAUGHT_UP_MS;
  try {
    for (;;) {
      const ends = await probe.ends(copy, PARTITIONS);
      const hasAll = ends.every((end, partition) => end >= wanted[partition]!);
      const isStill = ends.join() === before && !(isOurs && performance.now() < until && !hasAll);
      if ((hasAll && isStill) || (isStill && !isOurs) || performance.now() > until) return;
      before = ends.join();
      await pause(SETTLE_MS);
    }
  } finally {
    probe.close();
  }
}

async function audit(
  who: string,
  west: MirrorRegion,
  east: MirrorRegion,
  copy: string,
  acknowledged: readonly number[],
): Promise<boolean> {
  const totals = { records: 0, lost: 0, twice: 0 };
  let isEqual = true;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const origin = await numbersIn(west.port, TOPIC, partition);
    const { records, lost, twice, firstOutOfOrder } = compareNumbers(
      origin,
      await numbersIn(east.port, copy, partition),
    );
    totals.records += records;
    totals.lost += lost;
    totals.twice += twice;
    if (firstOutOfOrder !== undefined)
      console.log(`${who}: record ${firstOutOfOrder} of partition ${partition} is out of order`);
    if (origin.length < acknowledged[partition]!)
      console.log(`the origin has ${origin.length} of ${acknowledged[partition]} records`);
    isEqual &&= lost === 0 && twice === 0 && firstOutOfOrder === undefined && origin.length >= acknowledged[partition]!;
  }
  console.log(`${who}: ${totals.records} records in the copy, ${totals.lost} lost, ${totals.twice} duplicated`);
  return isEqual;
}
