/**
 * The links of this process as they run: started, paused and stopped as the link directory and the share of the work
 * want it. Owned by the mirror. Invariant: there is one running link per name, of its newest terms.
 */
import type { CopyFacts } from '@meridian/coordinates';
import type { Io, Logger } from '@meridian/io';
import { Refused } from '@meridian/service';
import type { Membership } from '../assignment/membership.ts';
import { Link, type LinkContext } from '../link/link.ts';
import type { RegionSide } from '../link/region-side.ts';
import type { LinkStatus } from '../status.ts';
import type { StatusNow } from '../task/task-status.ts';
import type { LinkDirectory, ListedLink } from './link-directory.ts';

export interface LinkSetOptions {
  readonly io: Pick<Io, 'timers'>;
  readonly log: Logger;
  readonly directory: LinkDirectory;
  readonly membership: Membership;
  readonly lookMs: number;
  /** What all links have in common. */
  readonly shared: Omit<LinkContext, 'spec' | 'source' | 'seen' | 'owns' | 'hasBegun' | 'begin'>;
  /** Throws if nobody has told how the region is reached. */
  sideOf(region: string): RegionSide;
}

interface Running {
  readonly link: Link;
  readonly terms: string;
}

export class LinkSet {
  private readonly options: LinkSetOptions;
  private readonly running = new Map<string, Running>();
  private readonly failed = new Map<string, string>();
  private readonly seen = new Map<string, Map<string, CopyFacts>>();
  private readonly stopping = new AbortController();
  private readonly loop: Promise<void>;
  /** Why the directory cannot be read at present. */
  private trouble: string | null = null;
  private ending: Promise<unknown> = Promise.resolve();

  constructor(options: LinkSetOptions) {
    this.options = options;
    this.loop = this.run();
  }

  /** The directory, or what is ours of the work, has changed. */
  update(): void {
    const { directory, membership } = this.options;
    if (!directory.isReady || this.stopping.signal.aborted) return;
    const wanted = new Map(
      directory.links.filter(({ problem }) => problem === null).map((each) => [each.spec.name, each]),
    );
    for (const [name, { link, terms }] of this.running) {
      const listed = wanted.get(name);
      if (listed === undefined || termsOf(listed) !== terms) this.end(name, link);
    }
    for (const listed of wanted.values()) this.begin(listed);
    if (membership.share.state !== 'stopped') for (const { link } of this.running.values()) link.reassign();
  }

  status(now: StatusNow): LinkStatus[] {
    return this.options.directory.links.map((listed) => this.statusOf(listed, now));
  }

  statusOf({ spec, managed, problem, paused }: ListedLink, now: StatusNow): LinkStatus {
    const { name, from, to, policy } = spec;
    const head = { name, managed, from, to, policy };
    const link = this.running.get(name)?.link;
    if (link !== undefined) return { ...head, isKeeper: link.isKeeper, ...link.status(now) };
    const wrong = problem ?? this.failed.get(name) ?? null;
    const state = wrong !== null ? 'halted' : paused !== null ? 'paused' : 'retrying';
    const reason = wrong ?? this.trouble ?? 'not connected yet';
    return { ...head, isKeeper: false, state, reason, partitions: [] };
  }

  /** Throws `Refused`: it does not run. */
  find(name: string): Link {
    const { directory } = this.options;
    const { problem } = directory.find(name);
    const link = this.running.get(name)?.link;
    if (link === undefined)
      throw new Refused(
        503,
        `${name} does not run: ${problem ?? this.failed.get(name) ?? this.trouble ?? 'not connected yet'}`,
      );
    return link;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const [name, { link }] of this.running) this.end(name, link);
    await Promise.all([this.loop, this.ending]);
  }

  private begin(listed: ListedLink): void {
    const { directory, membership, shared, sideOf, log } = this.options;
    const { spec } = listed;
    const { name } = spec;
    let link = this.running.get(name)?.link;
    if (link === undefined) {
      const seen = this.seen.get(name) ?? new Map<string, CopyFacts>();
      this.seen.set(name, seen);
      try {
        link = new Link({
          ...shared,
          ...{ spec, seen, source: sideOf(spec.from) },
          owns: (unit) => membership.share.owns(unit),
          hasBegun: () => directory.beganAt(name) !== undefined,
          begin: () => directory.begin(name),
        });
      } catch (error) {
        const reason = (error as Error).message;
        if (this.failed.get(name) !== reason) log.error('a link cannot begin', { link: name, reason });
        this.failed.set(name, reason);
        return;
      }
      this.failed.delete(name);
      this.running.set(name, { link, terms: termsOf(listed) });
    }
    link.pause(this.pauseOf(listed));
  }

  private pauseOf({ paused }: ListedLink): string | null {
    const { share } = this.options.membership;
    if (paused !== null) return `paused by ${paused.by} at ${new Date(paused.atMs).toISOString()}`;
    return share.state === 'sharing' || share.state === 'alone' ? null : share.reason;
  }

  private end(name: string, link: Link): void {
    this.running.delete(name);
    this.ending = Promise.all([this.ending, link.stop()]);
  }

  /** Reads the directory until it can be, and then looks whether the file, or the topic, is another one. */
  private async run(): Promise<void> {
    const { io, directory, lookMs, log, shared } = this.options;
    const { firstLookMs } = shared.limits;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        directory.look();
        await directory.follow({ timeoutMs: firstLookMs, signal });
        this.trouble = null;
      } catch (error) {
        const reason = (error as Error).message;
        if (reason !== this.trouble && !signal.aborted) log.warn('the links cannot be read', { reason });
        this.trouble = reason;
      }
      await io.timers.sleep(lookMs, signal);
    }
  }
}

/** What a link is started with: it begins anew when any of it changes. */
const termsOf = ({ spec }: ListedLink): string => JSON.stringify(spec);
