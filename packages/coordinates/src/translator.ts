/**
 * `translate(group | offset, from, to)`: finds the counterpart of a topic by origin, never by name, and translates between
 * the two. Behind the mirror's route, `meridian translate` and fail-over plans.
 * Invariant: every partition that was asked about is answered, with a position or with why there is none.
 */
import type { GroupAdmin } from '@meridian/client';
import type { CopyView } from './copy-view.ts';
import { CoordinateError } from './errors.ts';
import type { Place, RegionCopies, RegionTopic } from './region-copies.ts';
import type { Translation } from './run-search.ts';
import { translateOffset } from './translate.ts';

export interface TranslatorRegion {
  readonly copies: RegionCopies;
  readonly client: Pick<GroupAdmin, 'committedOffsets'>;
}

/** A position in region `from`. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export type Translated = Position & {
  /** The counterpart's name; null where the other region has none. */
  readonly toTopic: string | null;
  readonly translation: Translation | { readonly status: 'no-copy'; readonly reason: string };
};

interface Pair {
  readonly from: Place;
  readonly to: Place;
}

export class Translator {
  private readonly regions: ReadonlyMap<string, TranslatorRegion>;

  constructor(regions: ReadonlyMap<string, TranslatorRegion>) {
    this.regions = regions;
  }

  /** In the order of the positions. */
  async offsets(positions: readonly Position[], from: string, to: string): Promise<Translated[]> {
    const [source, target] = [this.regionOf(from), this.regionOf(to)];
    const [fromTopics, toTopics] = await Promise.all([source.copies.topics(), target.copies.topics()]);
    const pairs = positions.map((position) => pairOf(position, fromTopics, toTopics));
    const found = pairs.flatMap((pair) => (pair === undefined ? [] : [pair]));
    const [sourceViews, targetViews] = await Promise.all([
      source.copies.views(found.map((pair) => pair.from)),
      target.copies.views(found.map((pair) => pair.to)),
    ]);
    const views = new Map(found.map((pair, index) => [pair, [sourceViews[index], targetViews[index]] as const]));
    return positions.map((position, index) => {
      const pair = pairs[index];
      const [a, b] = (pair && views.get(pair)) ?? [];
      const { topic, partition, offset } = position;
      return {
        topic,
        partition,
        offset,
        toTopic: pair?.to.topic.name ?? null,
        translation: answer(position, pair, a, b),
      };
    });
  }

  /** What a group has committed in `from`, and where it would go on in `to`. */
  async group(group: string, from: string, to: string): Promise<Translated[]> {
    const positions = (await this.regionOf(from).client.committedOffsets([group])).get(group);
    // Who does not answer has not said that there is nothing.
    if (positions === undefined) throw new CoordinateError('group-unread', `group ${group} in ${from}`);
    return this.offsets(positions, from, to);
  }

  private regionOf(name: string): TranslatorRegion {
    const region = this.regions.get(name);
    if (region === undefined) throw new CoordinateError('no-region', name);
    return region;
  }
}

function answer(
  { topic, partition, offset }: Position,
  pair: Pair | undefined,
  from: CopyView | undefined,
  to: CopyView | undefined,
): Translated['translation'] {
  if (pair === undefined) return { status: 'no-copy', reason: `${topic} has no counterpart there` };
  const place = `${pair.to.topic.name}-${partition}`;
  if (partition >= pair.from.topic.partitions) {
    return { status: 'no-copy', reason: `${pair.from.topic.name} has no partition ${partition}` };
  }
  if (partition >= pair.to.topic.partitions) return { status: 'no-copy', reason: `${place} has not been made yet` };
  if (from === undefined) return { status: 'no-copy', reason: `${topic}-${partition} does not answer` };
  if (to === undefined) return { status: 'no-copy', reason: `${place} does not answer` };
  return translateOffset(from, to, offset);
}

/** The topics whose records were born in the same one. Of several copies of it the newest incarnation. */
function pairOf(
  { topic, partition }: Position,
  from: readonly RegionTopic[],
  to: readonly RegionTopic[],
): Pair | undefined {
  const asked = from.find(({ name }) => name === topic);
  if (asked === undefined) return undefined;
  for (const origin of originsOf(asked)) {
    const held = to.filter((each) => originsOf(each).includes(origin));
    const [newest] = held.sort((a, b) => (b.facts?.incarnation ?? 0) - (a.facts?.incarnation ?? 0));
    if (newest === undefined) continue;
    const place = (each: RegionTopic): Place => ({ topic: each, partition, asOrigin: each.id === origin });
    return { from: place(asked), to: place(newest) };
  }
  return undefined;
}

/** A promoted copy has two: the one that it was copied from, below its cut, and itself. */
function originsOf({ id, facts }: RegionTopic): string[] {
  if (facts === undefined) return [id];
  return facts.promotedAt === undefined ? [facts.originTopicId] : [facts.originTopicId, id];
}
