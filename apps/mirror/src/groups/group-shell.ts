/**
 * Carries the groups of one link, by whoever is the link's keeper: once a second it reads what was committed at the source,
 * has it translated, and feeds a machine per group (`group-follow.ts`), whose commits it performs. Invariant: a round
 * that fails in part carries the rest; a broker that is away holds up only the groups that it coordinates.
 */
import type { CommittedOffset, GroupAdmin } from '@meridian/client';
import type { Translation } from '@meridian/coordinates';
import type { Io, Logger } from '@meridian/io';
import type { MirrorLimits } from '../limits.ts';
import { GroupFollow } from './group-follow.ts';
import type { GroupPartitionStatus, SourceCommit, TargetCommit } from './messages.ts';

export interface TranslatedCommit {
  readonly counterpart: string;
  /** These: see `SourceCommit`. */
  readonly counterpartId: string;
  readonly isOrigin: boolean;
  readonly translation: Translation;
  /** See `SourceCommit`. */
  readonly commonEnd: number;
}

export interface GroupTranslator {
  /** In the order of the commits; undefined: the topic is not at the target, or it is not known yet where. */
  translate(commits: readonly CommittedOffset[], signal: AbortSignal): Promise<(TranslatedCommit | undefined)[]>;
}

export interface GroupShellOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly limits: Pick<
    MirrorLimits,
    | 'groupRoundMs'
    | 'groupBackoffCapMs'
    | 'groupRetranslateMs'
    | 'maxGroups'
    | 'groupCommits'
    | 'requestTimeoutMs'
    | 'originReachMs'
  >;
  readonly from: string;
  readonly to: string;
  /** Which groups the link carries. */
  follows(group: string): boolean;
  readonly source: GroupAdmin;
  readonly target: GroupAdmin;
  /** The target's coordinators refuse a commit that does not replace what it says: our own do. */
  readonly comparesCommits: boolean;
  readonly translator: GroupTranslator;
  /** Hears of every commit that has been translated: checkpoints are made of them. */
  onTranslated?(group: string, commits: readonly SourceCommit[]): void;
}

interface FollowedGroup {
  readonly machine: GroupFollow;
  /** By topic and partition at the source. */
  readonly translated: Map<string, { commit: CommittedOffset; by: TranslatedCommit | undefined; atMs: number }>;
}

export class GroupShell {
  private readonly options: GroupShellOptions;
  private readonly groups = new Map<string, FollowedGroup>();
  private readonly stopping = new AbortController();
  private loop: Promise<void> | undefined;
  /** Rounds do not overlap: an older one would put back what a newer one has carried. */
  private turn: Promise<void> = Promise.resolve();
  private listed: string[] = [];
  /** Why the last round did not do all that it should. */
  trouble: string | null = null;

  constructor(options: GroupShellOptions) {
    this.options = options;
  }

  start(): void {
    this.loop ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  status(): GroupPartitionStatus[] {
    return [...this.groups.values()].flatMap(({ machine }) => machine.status());
  }

  /** Commits at the source without a place at the target, by the names of their topics there. */
  get untranslated(): readonly string[] {
    const open = [...this.groups.values()].flatMap(({ translated }) => [...translated.values()]);
    return open.filter(({ by }) => by === undefined).map(({ commit }) => commit.topic);
  }

  private async run(): Promise<void> {
    const { io, limits } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const beganMs = io.clock.monotonic();
      const troubles: string[] = [];
      await this.round(troubles).catch((error: unknown) => void troubles.push(messageOf(error)));
      if (!signal.aborted) this.tell(troubles[0] ?? null);
      const restMs = Math.max(limits.groupRoundMs / 4, limits.groupRoundMs - (io.clock.monotonic() - beganMs));
      await io.timers.sleep(restMs, signal);
    }
  }

  /** One look at both sides, and one round of commits, after the one that is under way. Also asked for by fail-overs. */
  round(troubles: string[]): Promise<void> {
    const turn = this.turn.then(() => this.look(troubles));
    this.turn = turn.catch(() => undefined);
    return turn;
  }

  private async look(troubles: string[]): Promise<void> {
    await this.list(troubles);
    if (this.listed.length === 0) return;
    const committed = await this.sourceCommits(troubles);
    await this.translateAll(committed);
    const states = await this.targetStates(committed.keys(), troubles);
    const nowMs = this.options.io.clock.monotonic();
    const open = [...committed.keys()].filter((group) => {
      const input = { type: 'targetState', state: states.get(group) ?? 'Dead' } as const;
      return this.groups.get(group)!.machine.step(input, nowMs).length > 0;
    });
    if (open.length > 0) await this.carry(open, states, troubles);
  }

  /** While the groups cannot be listed, those that are known are carried on. */
  private async list(troubles: string[]): Promise<void> {
    const { source, follows, limits } = this.options;
    const call = { timeoutMs: limits.originReachMs, signal: this.stopping.signal };
    try {
      const names = (await source.listGroups(call)).map(({ group }) => group);
      const followed = names.filter((group) => follows(group)).sort();
      if (followed.length > limits.maxGroups)
        troubles.push(`${followed.length - limits.maxGroups} groups are beyond ${limits.maxGroups}, and not carried`);
      this.listed = followed.slice(0, limits.maxGroups);
      const wanted = new Set(this.listed);
      for (const group of this.groups.keys()) if (!wanted.has(group)) this.groups.delete(group);
    } catch (error) {
      troubles.push(`the source's groups cannot be listed: ${messageOf(error)}`);
    }
  }

  /** Of a group whose coordinator is away, what it committed as last heard: its copy may still have been behind. */
  private async sourceCommits(troubles: string[]): Promise<Map<string, readonly CommittedOffset[]>> {
    const { source, limits } = this.options;
    const call = { timeoutMs: limits.originReachMs, signal: this.stopping.signal };
    const heard = await source.committedOffsets(this.listed, call).catch(() => new Map<string, CommittedOffset[]>());
    const commits = new Map<string, readonly CommittedOffset[]>(heard);
    for (const group of this.listed) {
      const known = heard.has(group) ? undefined : this.groups.get(group);
      if (known !== undefined)
        commits.set(
          group,
          [...known.translated.values()].map(({ commit }) => commit),
        );
    }
    const silent = this.listed.length - heard.size;
    if (silent > 0) troubles.push(`the offsets of ${silent} groups cannot be read at the source`);
    return commits;
  }

  /** Where they cannot be listed, commits are tried: a coordinator refuses them for a group that has members. */
  private async targetStates(groups: Iterable<string>, troubles: string[]): Promise<ReadonlyMap<string, string>> {
    const { target, limits } = this.options;
    try {
      const call = { timeoutMs: limits.requestTimeoutMs, signal: this.stopping.signal };
      return new Map((await target.listGroups(call)).map(({ group, state }) => [group, state]));
    } catch (error) {
      troubles.push(`the target's groups cannot be listed: ${messageOf(error)}`);
      return new Map([...groups].map((group) => [group, 'Empty']));
    }
  }

  /** Again where the commit is another one, where it was not exact, and now and then, as copies may be cut. */
  private async translateAll(committed: ReadonlyMap<string, readonly CommittedOffset[]>): Promise<void> {
    const { io, limits, translator } = this.options;
    const nowMs = io.clock.monotonic();
    const stale: { followed: FollowedGroup; key: string; commit: CommittedOffset }[] = [];
    for (const [group, commits] of committed) {
      const followed = this.groupOf(group);
      const keys = new Set<string>();
      for (const commit of commits) {
        const key = keyOf(commit);
        keys.add(key);
        const known = followed.translated.get(key);
        const isSame = known?.commit.offset === commit.offset && known.commit.metadata === commit.metadata;
        const isExact = known?.by?.translation.status === 'exact';
        if (isSame && isExact && nowMs - known.atMs < limits.groupRetranslateMs) continue;
        stale.push({ followed, key, commit });
      }
      for (const key of followed.translated.keys()) if (!keys.has(key)) followed.translated.delete(key);
    }
    const commits = stale.map(({ commit }) => commit);
    const answers = commits.length === 0 ? [] : await translator.translate(commits, this.stopping.signal);
    stale.forEach(({ followed, key, commit }, index) => {
      followed.translated.set(key, { commit, by: answers[index], atMs: nowMs });
    });
    for (const group of committed.keys()) this.feedSource(group, nowMs);
  }

  private feedSource(group: string, nowMs: number): void {
    const { machine, translated } = this.groupOf(group);
    const commits = [...translated.values()].flatMap(({ commit, by }): SourceCommit[] => {
      if (by === undefined) return [];
      const { topic, partition, offset, metadata } = commit;
      return [{ topic, partition, offset, metadata, ...by }];
    });
    machine.step({ type: 'source', commits }, nowMs);
    this.options.onTranslated?.(group, commits);
  }

  private async carry(open: readonly string[], states: ReadonlyMap<string, string>, troubles: string[]): Promise<void> {
    const { limits, comparesCommits } = this.options;
    // Where a commit is not compared with what it replaces, nothing may be old that it was decided by.
    const atOnce = comparesCommits ? open.length : limits.groupCommits;
    let unread = 0;
    for (let at = 0; at < open.length && !this.stopping.signal.aborted; at += atOnce) {
      unread += await this.carrySome(open.slice(at, at + atOnce), states, troubles);
    }
    if (unread > 0) troubles.push(`${unread} groups cannot be read at the target`);
  }

  /** Returns of how many groups it could not be read where they are. */
  private async carrySome(
    open: readonly string[],
    states: ReadonlyMap<string, string>,
    troubles: string[],
  ): Promise<number> {
    const { target, limits } = this.options;
    const call = { timeoutMs: limits.requestTimeoutMs, signal: this.stopping.signal };
    const found = await target.committedOffsets(open, call);
    const due = open.filter((group) => found.has(group));
    const next = async (): Promise<void> => {
      for (let group = due.shift(); group !== undefined; group = due.shift()) {
        const reason = await this.commit(group, states.get(group) ?? 'Dead', found.get(group)!);
        if (reason !== undefined) troubles.push(reason);
      }
    };
    await Promise.all(Array.from({ length: Math.min(limits.groupCommits, due.length) }, next));
    return open.length - found.size;
  }

  /** Returns what went wrong. */
  private async commit(group: string, state: string, commits: readonly TargetCommit[]): Promise<string | undefined> {
    const { target, limits, io } = this.options;
    const { machine } = this.groupOf(group);
    const call = { timeoutMs: limits.requestTimeoutMs, signal: this.stopping.signal };
    const [effect] = machine.step({ type: 'target', state, commits }, io.clock.monotonic());
    if (effect?.type !== 'commit') return undefined;
    try {
      const outcomes = await target.commitOffsets(group, effect.offsets, call);
      machine.step({ type: 'committed', outcomes }, io.clock.monotonic());
      return undefined;
    } catch (error) {
      const reason = `the target does not take the commit: ${messageOf(error)}`;
      machine.step({ type: 'failed', reason }, io.clock.monotonic());
      return reason;
    }
  }

  private groupOf(group: string): FollowedGroup {
    const known = this.groups.get(group);
    if (known !== undefined) return known;
    const { from, to, limits } = this.options;
    const machine = new GroupFollow({ group, from, to, backoffCapMs: limits.groupBackoffCapMs });
    const made = { machine, translated: new Map() };
    this.groups.set(group, made);
    return made;
  }

  private tell(trouble: string | null): void {
    const { log, from, to } = this.options;
    if (trouble !== null && trouble !== this.trouble) log.warn('groups are not all carried', { from, to, trouble });
    this.trouble = trouble;
  }
}

const keyOf = ({ topic, partition }: CommittedOffset): string => `${topic} ${partition}`;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
