/**
 * What a mirror answers when it is asked to translate an offset, both ways, between a topic and its copy: exact, and where
 * the same record lies by its value. Asked of the mirrors themselves, by the route that `meridian translate` asks.
 */
import type { Mirror } from '@meridian/mirror';
import { copies, type GeoLog, type GeoOutcome, logAt, nameOf } from '../outcome.ts';
import { copyOf } from '../plan.ts';

interface Answer {
  readonly positions: readonly { readonly translation: { readonly status: string; readonly offset?: number } }[];
}

/** Of each copy, both ends and some between. */
const PLACES = [0, 0.25, 0.5, 0.75, 1];

export async function compareTranslations(outcome: GeoOutcome): Promise<{ asked: number; wrong: string[] }> {
  let asked = 0;
  const wrong: string[] = [];
  for (const copy of copies(outcome)) {
    const mirror = outcome.mesh.region(copy.at).mirrors.find(({ running }) => running !== undefined)?.running;
    if (mirror === undefined) continue;
    const isRebased = outcome.mesh.region(copy.at).plan.engine === 'kafka';
    const origin = logAt(outcome, { ...copy, at: copy.origin });
    for (const share of PLACES) {
      const at = Math.floor((copy.records.length - 1) * share);
      const record = copy.records[at];
      const bornAt = origin.records.findIndex(({ value }) => value === record?.value);
      if (record === undefined || bornAt < 0) continue;
      const born = origin.records[bornAt]!;
      const pair = { copy, copyTopic: copyOf(copy.origin, copy.topic), mirror };
      const asks = [
        compare(pair, 'to the copy', born.offset, record.offset),
        compare(pair, 'to the origin', record.offset, born.offset),
      ];
      // Behind a record, a marker or an aborted batch may lie: in a re-based copy that place is the next record's. What
      // compaction has taken lies there, too, at either side by itself.
      const [next, nextBorn] = copy.topic === 'keyed' ? [] : [copy.records[at + 1], origin.records[bornAt + 1]];
      if (next !== undefined && nextBorn !== undefined)
        asks.push(compare(pair, 'to the copy', born.offset + 1, isRebased ? next.offset : born.offset + 1));
      asked += asks.length;
      wrong.push(...(await Promise.all(asks)).flat());
    }
  }
  return { asked, wrong };
}

interface Pair {
  readonly copy: GeoLog;
  readonly copyTopic: string;
  readonly mirror: Mirror;
}

async function compare(
  { copy, copyTopic, mirror }: Pair,
  way: 'to the copy' | 'to the origin',
  offset: number,
  wanted: number,
): Promise<string[]> {
  const { origin, at, topic, partition } = copy;
  const [from, to, asked] = way === 'to the copy' ? [origin, at, topic] : [at, origin, copyTopic];
  const route = mirror.routes.find(({ method, path }) => method === 'GET' && path === '/v1/translate');
  const query = { from, to, topic: asked, partition: String(partition), offset: String(offset) };
  const place = `${offset} of ${nameOf(copy)} ${way}`;
  try {
    const answer = (await route?.handle({ params: {}, query, body: undefined })) as Answer | undefined;
    const translation = answer?.positions[0]?.translation;
    const isExact = translation?.status === 'exact' && translation.offset === wanted;
    return isExact ? [] : [`${place} is ${wanted}, it says ${JSON.stringify(translation)}`];
  } catch (error) {
    return [`${place} is ${wanted}, it fails: ${(error as Error).message}`];
  }
}
