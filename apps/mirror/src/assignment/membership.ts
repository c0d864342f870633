/**
 * This mirror among those of its region: a member of the group `__meridian-mirror` at the target, which tells all members
 * who they are. Owned by the mirror; what it owns is `Share`'s to say.
 * Invariant: a process that the coordinator has not answered in time does nothing, before another one begins.
 */
import type { Client, GroupMember, MemberMetadata } from '@meridian/client';
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
   * takes the one that died for a member as long as its session lasts.
   */
  readonly mayBeginUnheard: boolean;
  onChange(): void;
}

export class Membership {
  readonly share: Share;
  private readonly options: MembershipOptions;
  private readonly member: GroupMember;
  private readonly stopping = new AbortController();
  private timer: Timer | undefined;

  constructor(options: MembershipOptions) {
    const { client, memberId, limits, log } = options;
    this.options = options;
    this.share = new Share(memberId, limits.leaseMs);
    this.member = client.joinGroup({
      ...PROTOCOL,
      group: MIRROR_GROUP,
      metadata: Buffer.from(memberId),
      sessionTimeoutMs: limits.sessionTimeoutMs,
      rebalanceTimeoutMs: limits.rebalanceTimeoutMs,
      heartbeatMs: limits.heartbeatMs,
      assign: assignAll,
      onAssigned: ({ bytes, generation }) => {
        const { self, members } = readRoll(bytes, memberId);
        log.info('the work is shared anew', { members: members.join(' '), generation });
        this.take({ type: 'assigned', self, members });
      },
      onLost: (reason) => {
        log.warn('this mirror has lost its share', { reason });
        this.take({ type: 'lost', reason });
      },
    });
    this.watch();
    if (options.mayBeginUnheard) this.share.step({ type: 'empty' });
    else void this.askWhetherEmpty();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.timer?.cancel();
    await this.member.leave();
  }

  private take(input: Parameters<Share['step']>[0]): void {
    if (this.share.step(input) && !this.stopping.signal.aborted) this.options.onChange();
  }

  private watch(): void {
    const { io, limits } = this.options;
    this.timer = io.timers.after(limits.heartbeatMs, () => {
      this.take({ type: 'lease', ageMs: this.member.leaseAgeMs() });
      this.watch();
    });
  }

  /** A group without members would let us wait for latecomers: whoever finds it so begins. */
  private async askWhetherEmpty(): Promise<void> {
    const { client, io, limits } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted && this.share.state === 'waiting') {
      try {
        const groups = await client.listGroups({ timeoutMs: limits.requestTimeoutMs, signal });
        const found = groups.find(({ group }) => group === MIRROR_GROUP);
        if (found === undefined || found.state === 'Empty' || found.state === 'Dead') this.take({ type: 'empty' });
        // Others may be about to leave, or may have died: then the coordinator hands their share to us.
        return;
      } catch {
        await io.timers.sleep(limits.heartbeatMs, signal);
      }
    }
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
