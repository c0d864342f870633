/**
 * `bench -- translation [--records N] [--engine kafka|embedded] [--groups N]`: groups that lag 0 to 100,000 records move to the
 * copies of our mirror and of MirrorMaker 2, on the same data: how many records does each read again, how many never.
 */
import type { Engine } from '../peers/mirror-region.ts';
import type { BenchTable } from './main.ts';
import { format } from './ratio-table.ts';
import { moved, sourceOffsets } from './translation/rereads.ts';
import { type Copier, KINDS, type Kind, type Offsets, TranslationScene } from './translation/scene.ts';

const RECORDS = 1_000_000;
const GROUPS = 30;
const MAX_LAG = 100_000;
const COPIERS: readonly Copier[] = ['Meridian', 'MirrorMaker 2'];

export async function translation(args: readonly string[]): Promise<BenchTable> {
  const argument = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const records = Number(argument('--records') ?? RECORDS);
  const scene = await TranslationScene.open((argument('--engine') ?? 'kafka') as Engine, records);
  try {
    await scene.fill();
    const offsets = lagging(records, Number(argument('--groups') ?? GROUPS), await endsOf(scene));
    const carried = await scene.commit(offsets);
    const lines: string[][] = [];
    for (const kind of KINDS) lines.push(...(await linesOf(scene, kind, records, offsets, carried)));
    const columns = ['topic', 'mirror', 'groups carried', 'read again, mean', 'read again, most', 'never read, most'];
    return { columns, lines, failures: lines.filter(isOff).map((line) => `not exact: ${line.join(', ')}`) };
  } finally {
    await scene.remove();
  }
}

/** Of ours: a group that was not carried, or not to its place. */
const isOff = ([, mirror, carried = '', ...counts]: readonly string[]): boolean => {
  const [found, all] = carried.split(' of ');
  return mirror === 'Meridian' && (found !== all || counts.some((count) => count !== '0'));
};

async function endsOf(scene: TranslationScene): Promise<Readonly<Record<Kind, number>>> {
  const ends: Partial<Record<Kind, number>> = {};
  for (const kind of KINDS) ends[kind] = ((await scene.read(kind)).offsets.at(-1) ?? -1) + 1;
  return ends as Record<Kind, number>;
}

/** Group n lags by the n-th of the lags between nothing and the most, closer together near the end. */
function lagging(records: number, groups: number, ends: Readonly<Record<Kind, number>>): Offsets {
  const most = Math.min(MAX_LAG, Math.floor(records / 2));
  const lagOf = (group: number) => Math.round(most * (group / (groups - 1)) ** 3);
  const offsetsOf = (group: number) => Object.fromEntries(KINDS.map((kind) => [kind, ends[kind] - lagOf(group)]));
  return Object.fromEntries(Array.from({ length: groups }, (_, group) => [`lagging-${group}`, offsetsOf(group)]));
}

async function linesOf(
  scene: TranslationScene,
  kind: Kind,
  records: number,
  offsets: Offsets,
  carried: Readonly<Record<Copier, Offsets>>,
): Promise<string[][]> {
  const places = sourceOffsets(await scene.read(kind), records);
  const lines: string[][] = [];
  for (const copier of COPIERS) {
    const copy = await scene.read(kind, copier);
    const groups = Object.keys(offsets);
    const results = groups.flatMap((group) => {
      const translated = carried[copier][group]?.[kind];
      const committed = offsets[group]?.[kind] as number;
      return translated === undefined ? [] : [moved((number) => places[number]! < committed, copy, translated)];
    });
    const rereads = results.map((result) => result.rereads);
    const mean = rereads.reduce((sum, count) => sum + count, 0) / Math.max(1, rereads.length);
    const most = (counts: readonly number[]) => format(Math.max(0, ...counts));
    const skipped = most(results.map((result) => result.skipped));
    lines.push([kind, copier, `${results.length} of ${groups.length}`, format(mean), most(rereads), skipped]);
  }
  return lines;
}
