/**
 * Groups, and MirrorMaker 2's topics, of all links of this process: made where it is a link's keeper, and stopped with it.
 * Owned by the mirror, which shows them with their links and asks for a round before a fail-over.
 * Invariant: a link's groups are carried by its keeper alone.
 */
import type { Io, Logger } from '@meridian/io';
import { compileSelector, type LinkSpec, type NameMatcher } from '@meridian/service';
import type { MirrorLimits } from '../limits.ts';
import type { Companion, LinkView } from '../link/companion.ts';
import { MirroredPlaces } from '../mm2/mirrored-places.ts';
import { Mm2Writer } from '../mm2/mm2-writer.ts';
import { GroupShell } from './group-shell.ts';
import { LinkTranslator } from './link-translator.ts';
import type { GroupPartitionStatus, SourceCommit } from './messages.ts';

export interface FollowedGroupsOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly limits: MirrorLimits;
}

export class FollowedGroups {
  private readonly options: FollowedGroupsOptions;
  private readonly shells = new Map<string, { readonly from: string; readonly shell: GroupShell }>();

  constructor(options: FollowedGroupsOptions) {
    this.options = options;
  }

  status(link: string): readonly GroupPartitionStatus[] {
    return this.shells.get(link)?.shell.status() ?? [];
  }

  /** The same for people: so many, and first of all what is not where it belongs. */
  shown(link: string): readonly GroupPartitionStatus[] {
    const [carried, others] = partitioned(this.status(link), ({ state }) => state === 'carried');
    return [...others, ...carried].slice(0, this.options.limits.groupRowsShown);
  }

  /** Topics of commits that have no place at the target (yet). */
  untranslated(link: string): readonly string[] {
    return this.shells.get(link)?.shell.untranslated ?? [];
  }

  /** A round at once, of all links from there; what went wrong. Undefined: nobody carries them in this process. */
  async carry(from: string): Promise<readonly string[] | undefined> {
    const shells = [...this.shells.values()].filter((each) => each.from === from);
    const troubles: string[] = [];
    await Promise.all(shells.map(({ shell }) => shell.round(troubles)));
    return shells.length === 0 ? undefined : troubles;
  }

  /** Of every process that has a part of the link: where its own partitions are. */
  always(view: LinkView): Companion[] {
    if (!view.spec.mm2) return [];
    const places = new MirroredPlaces({ engine: view.target.engine, copies: view.target.copies, tasks: view.tasks });
    return [this.mm2(view, false, () => places.moved())];
  }

  ofKeeper(view: LinkView): Companion[] {
    const mm2 = view.spec.mm2 ? this.mm2(view, true, async () => []) : undefined;
    const follows = followsOf(view.spec);
    if (follows === undefined) return mm2 === undefined ? [] : [mm2];
    const shell = this.follow(view, follows, (group, commits) => mm2?.hearTranslated(group, commits));
    return mm2 === undefined ? [shell] : [shell, mm2];
  }

  private follow(
    { spec, source, target }: LinkView,
    follows: NameMatcher,
    onTranslated: (group: string, commits: readonly SourceCommit[]) => void,
  ): Companion {
    const { name, from, to } = spec;
    const shell = new GroupShell({
      ...{ ...this.options, from, to, follows, onTranslated },
      source: source.client,
      target: target.client,
      comparesCommits: target.engine === 'embedded',
      translator: new LinkTranslator({ from, to, source: source.copies, target: target.copies }),
    });
    this.shells.set(name, { from, shell });
    shell.start();
    const shells = this.shells;
    return {
      get trouble() {
        return shell.trouble;
      },
      async stop() {
        if (shells.get(name)?.shell === shell) shells.delete(name);
        await shell.stop();
      },
    };
  }

  private mm2({ spec, source, target }: LinkView, isKeeper: boolean, places: MirroredPlaces['moved']): Mm2Writer {
    const { from, to } = spec;
    const sides = { source: source.client, target: target.client };
    const writer = new Mm2Writer({ ...this.options, ...sides, from, to, isKeeper, places });
    writer.start();
    return writer;
  }
}

function partitioned<T>(all: readonly T[], isFirst: (each: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((each) => !isFirst(each))];
}

/** What tools leave behind is carried only where somebody names it. */
const TOOLS = /^(connect-|console-consumer-)/;

/** Undefined: the link carries none. */
export function followsOf({ follow }: Pick<LinkSpec, 'follow'>): NameMatcher | undefined {
  if (follow.groups === 'none') return undefined;
  const selects = compileSelector(follow.groups);
  if (typeof selects === 'string') return undefined;
  const isNamed = Object.keys(follow.groups).length > 0;
  return (group) => !group.startsWith('__') && (isNamed || !TOOLS.test(group)) && selects(group);
}
