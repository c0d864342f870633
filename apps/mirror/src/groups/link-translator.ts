/**
 * Translates the commits of a link's groups: finds the counterpart of each topic by its origin, and the place in it. Both
 * ways: from an origin into its copy, from a copy back to its origin, and from copy to copy of a third region's topic.
 * Invariant: a copy that is promoted is a topic of its own: no group is carried between it and its former origin.
 */
import type { CommittedOffset } from '@meridian/client';
import {
  type CopyView,
  type Place,
  type RegionCopies,
  type RegionTopic,
  type Translation,
  translateOffset,
} from '@meridian/coordinates';
import type { GroupTranslator, TranslatedCommit } from './group-shell.ts';

export interface LinkTranslatorOptions {
  readonly from: string;
  readonly to: string;
  readonly source: Pick<RegionCopies, 'topics' | 'views'>;
  readonly target: Pick<RegionCopies, 'topics' | 'views'>;
}

interface Pair {
  readonly commit: CommittedOffset;
  readonly source: RegionTopic;
  readonly target: RegionTopic;
}

export class LinkTranslator implements GroupTranslator {
  private readonly options: LinkTranslatorOptions;
  /** As last heard: a region that is lost has the topics that it had. */
  private sourceTopics: readonly RegionTopic[] = [];

  constructor(options: LinkTranslatorOptions) {
    this.options = options;
  }

  async translate(commits: readonly CommittedOffset[]): Promise<(TranslatedCommit | undefined)[]> {
    const { source, target } = this.options;
    const [heard, targetTopics] = await Promise.all([source.topics().catch(() => this.sourceTopics), target.topics()]);
    this.sourceTopics = heard;
    const pairs = this.pair(commits, targetTopics);
    const found = pairs.flatMap((pair) => (pair === undefined ? [] : [pair]));
    const [sourceViews, targetViews] = await Promise.all([
      this.sourceViews(found),
      target.views(found.map((pair) => placeOf(pair.target, pair.commit.partition))),
    ]);
    const answers = new Map<Pair, TranslatedCommit | undefined>();
    found.forEach((pair, at) => {
      answers.set(pair, translated(pair, sourceViews[at], targetViews[at]));
    });
    return pairs.map((pair) => (pair === undefined ? undefined : answers.get(pair)));
  }

  private pair(commits: readonly CommittedOffset[], targetTopics: readonly RegionTopic[]): (Pair | undefined)[] {
    const { from, to } = this.options;
    const sources = new Map(this.sourceTopics.map((topic) => [topic.name, topic]));
    const targets = new Map<string, RegionTopic>();
    for (const topic of targetTopics) {
      const known = targets.get(bornAt(topic, to));
      if (known === undefined || rankOf(topic) > rankOf(known)) targets.set(bornAt(topic, to), topic);
    }
    return commits.map((commit) => {
      const source = sources.get(commit.topic);
      const target = source && targets.get(bornAt(source, from));
      const isThere = source !== undefined && target !== undefined && commit.partition < target.partitions;
      return isThere ? { commit, source, target } : undefined;
    });
  }

  /** An origin, and a copy with its origin's offsets, need not be asked. */
  private async sourceViews(pairs: readonly Pair[]): Promise<(CopyView | undefined)[]> {
    const copies = pairs.filter(({ source }) => isCopy(source));
    const places = copies.map(({ source, commit }) => placeOf(source, commit.partition));
    const views = places.length === 0 ? [] : await this.options.source.views(places).catch(() => []);
    const byPair = new Map(copies.map((pair, at) => [pair, views[at]]));
    return pairs.map((pair) => (isCopy(pair.source) ? byPair.get(pair) : plainView(pair.source)));
  }
}

const isCopy = ({ facts }: RegionTopic): boolean => facts !== undefined && facts.promotedAt === undefined;

/** Which topic its records were born in, and where. */
function bornAt(topic: RegionTopic, region: string): string {
  const { facts, id } = topic;
  return isCopy(topic) ? `${facts!.originRegion} ${facts!.originTopicId}` : `${region} ${id}`;
}

/** Of two copies of one topic, the one under its own name is meant, then the newer one. */
const rankOf = ({ facts }: RegionTopic): number =>
  facts === undefined ? 0 : facts.incarnation + (facts.policy === 'identity' ? 1e9 : 0);

const placeOf = (topic: RegionTopic, partition: number): Place => ({ topic, partition, asOrigin: !isCopy(topic) });

const plainView = ({ id }: RegionTopic): CopyView => ({
  ...{ originTopicId: id, runs: 'same', start: 0, end: Number.MAX_SAFE_INTEGER },
});

function translated(
  { commit, source, target }: Pair,
  from: CopyView | undefined,
  to: CopyView | undefined,
): TranslatedCommit | undefined {
  if (from === undefined || to === undefined) return undefined;
  const translation = translateOffset(from, to, commit.offset);
  const place = { counterpart: target.name, counterpartId: target.id, isOrigin: !isCopy(source) };
  return { ...place, translation, commonEnd: commonEnd(from, to, commit.offset, translation) };
}

/**
 * The end of what both have, for a place that is behind it: where the missing records begin, translated. Where that is
 * not certain it is lower, never higher.
 */
function commonEnd(from: CopyView, to: CopyView, offset: number, translation: Translation): number {
  if (translation.status !== 'behind') return translation.offset;
  const last = translateOffset(from, to, Math.max(0, offset - translation.records));
  return last.status === 'behind' ? Math.min(to.end, Math.max(to.start, 0)) : Math.min(last.offset, to.end);
}
