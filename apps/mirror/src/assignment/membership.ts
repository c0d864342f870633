/**
 * This mirror among those of its region: a member of the group `__meridian-mirror` at the target, which tells all members
 * who they are. Owned by the mirror; what it owns is `Share`'s to say.
 * Invariant: a process that the coordinator has not answered in time does nothing, before another one begins.
 */
import type { Client, DescribedMember, GroupMember, MemberMetadata } from '@meridian/client';
import type { Io, Logger, Timer } from '@meridian/io';
import type { MirrorLimits } from '../limits.ts';
import { Share } from './share.ts';

export const MIRROR_GROUP = '__meridian-mirror';
const PROTOCOL = { protocolType: 'meridian-mirror', protocolName: 'rendezvous' } as const;

export interface MembershipOptions {
  readonly io: Pick<Io, 'timers' | 'clock'>;
  readonly log: Logger;
  /** Of the target. */
  readonly client: Client;
  readonly memberId: string;
  readonly limits: MirrorLimits;
  /**
   * Everything is begun before anything was heard of others, and given up when it is theirs: after a crash, the coordinator
   * takes the one that died for a member as long as its session lasts. Without it, only the share of a predecessor of our
   * name is: every beginning takes a partition from whoever has it.
   */
  readonly mayBeginUnheard: boolean;
  onChange(): void;
}

export class Membership {
  readonly share: Share;
  private readonly options: MembershipOptions;
  private member: GroupMember | undefined;
  private readonly stopping = new AbortController();
  private timer: Timer | undefined;
  /** When our predecessor was a member, monotonic: that counts until there is word of ourselves. */
  private inheritedMs = Number.NEGATIVE_INFINITY;

  constructor(options: MembershipOptions) {
    const { memberId, limits, mayBeginUnheard } = options;
    this.options = options;
    this.share = new Share(memberId, limits.leaseMs);
    this.watch();
    if (mayBeginUnheard) {
      this.member = this.join();
      this.share.step({ type: 'empty' });
    } else void this.lookAndJoin();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.timer?.cancel();
    await this.member?.leave();
  }

  private join(): GroupMember {
    const { client, memberId, limits, log } = this.options;
    return client.joinGroup({
      ...PROTOCOL,
      group: MIRROR_GROUP,
      metadata: Buffer.from(memberId),
      sessionTimeoutMs: limits.sessionTimeoutMs,
      rebalanceTimeoutMs: limits.rebalanceTimeoutMs,
      heartbeatMs: limits.heartbeatMs,
      assign: assignAll,
      onAssigned: ({ bytes, generation }) => {
        const { self, members } = readRoll(bytes, memberId);
        this.inheritedMs = Number.NEGATIVE_INFINITY;
        log.info('the work is shared anew', { members: members.join(' '), generation });
        this.take({ type: 'assigned', self, members });
      },
      onLost: (reason) => {
        log.warn('this mirror has lost its share', { reason });
        this.inheritedMs = Number.NEGATIVE_INFINITY;
        this.take({ type: 'lost', reason });
      },
    });
  }

  private take(input: Parameters<Share['step']>[0]): void {
    if (this.share.step(input) && !this.stopping.signal.aborted) this.options.onChange();
  }

  private watch(): void {
    const { io, limits } = this.options;
    this.timer = io.timers.after(limits.heartbeatMs, () => {
      const ageMs = this.member?.leaseAgeMs() ?? Number.POSITIVE_INFINITY;
      this.take({ type: 'lease', ageMs: Math.min(ageMs, io.clock.monotonic() - this.inheritedMs) });
      this.watch();
    });
  }

  /**
   * A group without members would let us wait for latecomers, and one with a member that died until that is given up:
   * whoever finds it empty begins, and so does whoever finds only the one that ran under his name before. What a group's
   * members were told can be read only before we join.
   */
  private async lookAndJoin(): Promise<void> {
    const { io, limits } = this.options;
    const { signal } = this.stopping;
    let hasLooked = await this.look(limits.firstLookMs);
    if (signal.aborted) return;
    this.member = this.join();
    while (!hasLooked && this.share.state === 'waiting') {
      await io.timers.sleep(limits.heartbeatMs, signal);
      if (signal.aborted) return;
      hasLooked = await this.look(limits.requestTimeoutMs);
    }
  }

  /** Returns whether there was an answer. */
  private async look(timeoutMs: number): Promise<boolean> {
    const { client } = this.options;
    const call = { timeoutMs, signal: this.stopping.signal };
    try {
      const found = (await client.listGroups(call)).find(({ group }) => group === MIRROR_GROUP);
      if (found === undefined || found.state === 'Empty' || found.state === 'Dead') this.take({ type: 'empty' });
      else if (this.member === undefined) this.inherit(await client.groupMembers(MIRROR_GROUP, call));
      return true;
    } catch {
      return false;
    }
  }

  /** The share of the one of our name; of several, nobody knows which is ours. */
  private inherit(members: readonly DescribedMember[]): void {
    const { io, log, memberId } = this.options;
    const [before, another] = members.filter(({ metadata }) => metadata.toString('utf8') === memberId);
    if (before === undefined || before.assignment.length === 0 || another !== undefined) return;
    this.inheritedMs = io.clock.monotonic();
    const roll = readRoll(before.assignment, memberId);
    log.info('goes on with the share of the mirror of its name', { members: roll.members.join(' ') });
    this.take({ type: 'assigned', ...roll });
  }
}

/** Everybody is told who is there, and what he himself is called: two of one name are told apart. */
function assignAll(members: readonly MemberMetadata[]): Map<string, Buffer> {
  const called = new Map<string, string>();
  for (const { memberId, metadata } of [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))) {
    const name = metadata.toString('utf8').replaceAll('\n', ' ');
    called.set(memberId, [...called.values()].includes(name) ? `${name}/${memberId}` : name);
  }
  const names = [...called.values()].sort();
  return new Map(members.map(({ memberId }) => [memberId, Buffer.from(JSON.stringify([called.get(memberId), names]))]));
}

/** Not ours to trust: whoever may join the group may lead it. Without sense, we share with nobody. */
function readRoll(bytes: Buffer, memberId: string): { self: string; members: string[] } {
  let told: unknown;
  try {
    told = JSON.parse(bytes.toString('utf8'));
  } catch {
    told = undefined;
  }
  const [self, names] = Array.isArray(told) ? told : [];
  const members = Array.isArray(names) ? names.filter((name): name is string => typeof name === 'string') : [];
  return typeof self === 'string' && members.includes(self)
    ? { self, members }
    : { self: memberId, members: [memberId] };
}
