/**
 * `GET /v1/translate?from=REGION&to=REGION&topic=NAME&partition=N&offset=N`, or `&group=NAME` instead of the last three:
 * where a reader of region `from` goes on in region `to`. The topic is named as it is in `from`. Asked by
 * `meridian translate`. One of the regions is the mirror's own; the other is any that it knows. Invariant: a region that
 * does not answer is named within `reachMs`.
 */
import { ClientError } from '@meridian/client';
import { CoordinateError, type Position, type Translated, Translator } from '@meridian/coordinates';
import { type ManagementRoute, Refused } from '@meridian/service';
import type { RegionSide } from '../link/region-side.ts';

export interface TranslateAnswer {
  readonly from: string;
  readonly to: string;
  readonly positions: readonly Translated[];
}

type Query = Readonly<Record<string, string>>;

type Side = Pick<RegionSide, 'copies' | 'client'>;

/** `sideOf` throws for a region that nobody has told how to reach. */
export function translateRoutes(sideOf: (region: string) => Side, reachMs: number): ManagementRoute[] {
  const handle: ManagementRoute['handle'] = async ({ query }): Promise<TranslateAnswer> => {
    const [from, to] = [wanted(query, 'from'), wanted(query, 'to')];
    const sides = new Map([from, to].map((name) => [name, known(sideOf, name)]));
    await Promise.all(Array.from(sides, ([name, { client }]) => reach(name, client, reachMs)));
    try {
      return { from, to, positions: await translate(new Translator(sides), query, from, to) };
    } catch (error) {
      if (error instanceof CoordinateError || error instanceof ClientError) throw new Refused(503, error.message);
      throw error;
    }
  };
  return [{ method: 'GET', path: '/v1/translate', handle }];
}

/** What both regions have is compared: without one of them nobody can tell. */
async function reach(name: string, client: Side['client'], timeoutMs: number): Promise<void> {
  await client.metadata([], { timeoutMs, maxAgeMs: 0 }).catch((error: Error) => {
    throw new Refused(503, `${name} does not answer, and places are compared in both regions: ${error.message}`);
  });
}

function translate(translator: Translator, query: Query, from: string, to: string): Promise<Translated[]> {
  const { group = '' } = query;
  if (group !== '') return translator.group(group, from, to);
  const position: Position = {
    topic: wanted(query, 'topic'),
    partition: wholeNumber(query, 'partition'),
    offset: wholeNumber(query, 'offset'),
  };
  return translator.offsets([position], from, to);
}

function known<T>(sideOf: (region: string) => T, name: string): T {
  try {
    return sideOf(name);
  } catch (error) {
    throw new Refused(404, (error as Error).message);
  }
}

function wanted(query: Query, name: string): string {
  const value = query[name] ?? '';
  if (value === '') throw new Refused(400, `say ?${name}=`);
  return value;
}

function wholeNumber(query: Query, name: string): number {
  const text = wanted(query, name);
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new Refused(400, `${name}: ${text} is no whole number`);
  return value;
}
