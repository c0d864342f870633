/**
 * A group of the simulated Apache Kafka, classic protocol, with what it has committed. The group APIs call it; it outlives
 * the process, but for the answers that members wait for. Invariant: a generation is complete once all members that
 * were asked have joined, or the slowest's time is up; who has not is out.
 *
 *   Empty                 first join → PreparingRebalance, for the initial delay
 *   PreparingRebalance    all have joined, or too late → CompletingRebalance, generation + 1
 *   CompletingRebalance   the leader's sync → Stable
 *   any                   a new member, one that left or expired → PreparingRebalance; the last one gone → Empty
 */
import { ERROR } from '@meridian/protocol';

type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable';

export interface Protocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface JoinAnswer {
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

export interface SyncAnswer {
  readonly errorCode: number;
  readonly assignment: Buffer;
}

interface Member {
  readonly id: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: readonly Protocol[];
  assignment: Buffer;
  heardMs: number;
  join: ((answer: JoinAnswer) => void) | undefined;
  sync: ((answer: SyncAnswer) => void) | undefined;
}

export interface Committed {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface Joining {
  readonly memberId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly Protocol[];
}

const NOTHING = Buffer.alloc(0);

export class SimGroup {
  readonly name: string;
  state: GroupState = 'Empty';
  generation = 0;
  protocolType = '';
  /** By `topic/partition`. */
  readonly offsets = new Map<string, Committed>();
  private readonly members = new Map<string, Member>();
  private readonly promised = new Set<string>();
  private leader = '';
  /** When the rebalance that is under way ends at the latest, monotonic. */
  private rebalanceEndsMs = 0;

  constructor(name: string) {
    this.name = name;
  }

  get hasMembers(): boolean {
    return this.members.size > 0;
  }

  /** Members have the ids that they were promised; nobody begins without. */
  promise(memberId: string): void {
    this.promised.add(memberId);
  }

  join(joining: Joining, nowMs: number, initialDelayMs: number, answer: (answer: JoinAnswer) => void): void {
    const { memberId } = joining;
    const known = this.members.get(memberId);
    if (known === undefined && !this.promised.delete(memberId))
      return answer(refusal(ERROR.UNKNOWN_MEMBER_ID, memberId));
    if (this.hasMembers && joining.protocolType !== this.protocolType) {
      return answer(refusal(ERROR.INCONSISTENT_GROUP_PROTOCOL, memberId));
    }
    const member: Member = known ?? {
      id: memberId,
      assignment: NOTHING,
      sync: undefined,
      join: undefined,
      ...joining,
      heardMs: nowMs,
    };
    const isSame = known !== undefined && sameProtocols(known.protocols, joining.protocols);
    Object.assign(member, { ...timesOf(joining), protocols: joining.protocols, heardMs: nowMs });
    this.members.set(memberId, member);
    this.protocolType = joining.protocolType;
    member.join = answer;
    if (isSame && memberId !== this.leader && this.state === 'Stable') return this.answerJoin(member);
    const delayMs = this.state === 'Empty' ? initialDelayMs : undefined;
    if (this.state !== 'PreparingRebalance') this.prepare(nowMs, delayMs);
    this.settle(nowMs);
  }

  sync(
    memberId: string,
    generation: number,
    assignments: ReadonlyMap<string, Buffer>,
    answer: (answer: SyncAnswer) => void,
  ): void {
    const errorCode = this.check(memberId, generation);
    if (errorCode !== ERROR.NONE) return answer({ errorCode, assignment: NOTHING });
    const member = this.members.get(memberId)!;
    if (this.state === 'Stable') return answer({ errorCode: ERROR.NONE, assignment: member.assignment });
    member.sync = answer;
    if (memberId !== this.leader) return;
    this.state = 'Stable';
    for (const each of this.members.values()) {
      each.assignment = assignments.get(each.id) ?? NOTHING;
      each.sync?.({ errorCode: ERROR.NONE, assignment: each.assignment });
      each.sync = undefined;
    }
  }

  heartbeat(memberId: string, generation: number, nowMs: number): number {
    const errorCode = this.check(memberId, generation);
    const member = this.members.get(memberId);
    if (member !== undefined) member.heardMs = nowMs;
    return errorCode;
  }

  leave(memberId: string, nowMs: number): number {
    if (!this.members.has(memberId)) return this.promised.delete(memberId) ? ERROR.NONE : ERROR.UNKNOWN_MEMBER_ID;
    this.remove(memberId, nowMs);
    return ERROR.NONE;
  }

  /** As Apache Kafka tells of them: only of a stable group what they brought and got. */
  describe(): { memberId: string; memberMetadata: Buffer; memberAssignment: Buffer }[] {
    const name = this.commonProtocol();
    return [...this.members.values()].map(({ id: memberId, protocols, assignment }) => {
      if (this.state !== 'Stable') return { memberId, memberMetadata: NOTHING, memberAssignment: NOTHING };
      const memberMetadata = protocols.find((each) => each.name === name)?.metadata ?? NOTHING;
      return { memberId, memberMetadata, memberAssignment: assignment };
    });
  }

  /** Whether this member of this generation may commit; −1: nobody may while there are members. */
  mayCommit(memberId: string, generation: number): number {
    if (generation < 0 && !this.hasMembers) return ERROR.NONE;
    if (!this.members.has(memberId)) return ERROR.UNKNOWN_MEMBER_ID;
    if (generation !== this.generation) return ERROR.ILLEGAL_GENERATION;
    return this.state === 'CompletingRebalance' ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
  }

  /** Called every so often: who was not heard of is out, and a rebalance does not last for ever. */
  tick(nowMs: number): void {
    for (const { id, heardMs, sessionTimeoutMs, join } of [...this.members.values()])
      if (join === undefined && nowMs - heardMs > sessionTimeoutMs) this.remove(id, nowMs);
    this.settle(nowMs);
  }

  /** A new process: nobody waits for an answer any more, and nobody is late. */
  resume(nowMs: number): void {
    for (const member of this.members.values())
      Object.assign(member, { heardMs: nowMs, join: undefined, sync: undefined });
    if (this.state !== 'Stable' && this.hasMembers) this.prepare(nowMs, undefined);
  }

  private check(memberId: string, generation: number): number {
    if (!this.members.has(memberId)) return ERROR.UNKNOWN_MEMBER_ID;
    if (generation !== this.generation) return ERROR.ILLEGAL_GENERATION;
    return this.state === 'PreparingRebalance' ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
  }

  private prepare(nowMs: number, delayMs: number | undefined): void {
    this.state = 'PreparingRebalance';
    const slowest = Math.max(0, ...[...this.members.values()].map((member) => member.rebalanceTimeoutMs));
    this.rebalanceEndsMs = nowMs + (delayMs ?? slowest);
    this.waitsForDelay = delayMs !== undefined && delayMs > 0;
    for (const member of this.members.values()) {
      member.sync?.({ errorCode: ERROR.REBALANCE_IN_PROGRESS, assignment: NOTHING });
      member.sync = undefined;
    }
  }

  private waitsForDelay = false;

  private settle(nowMs: number): void {
    if (this.state !== 'PreparingRebalance') return;
    const isLate = nowMs >= this.rebalanceEndsMs;
    const haveAllJoined = [...this.members.values()].every((member) => member.join !== undefined);
    if (!isLate && (this.waitsForDelay || !haveAllJoined)) return;
    for (const { id, join } of [...this.members.values()]) if (join === undefined) this.members.delete(id);
    if (!this.hasMembers) {
      this.state = 'Empty';
      return;
    }
    this.generation++;
    this.state = 'CompletingRebalance';
    if (!this.members.has(this.leader)) this.leader = this.members.keys().next().value!;
    for (const member of this.members.values()) {
      member.heardMs = nowMs;
      this.answerJoin(member);
    }
  }

  private answerJoin(member: Member): void {
    const { id } = member;
    const protocolName = this.commonProtocol();
    const metadataOf = (each: Member) => each.protocols.find(({ name }) => name === protocolName)?.metadata ?? NOTHING;
    const members = [...this.members.values()].map((each) => ({ memberId: each.id, metadata: metadataOf(each) }));
    member.join?.({
      ...{ errorCode: ERROR.NONE, generationId: this.generation, protocolType: this.protocolType, protocolName },
      ...{ leader: this.leader, memberId: id, members: id === this.leader ? members : [] },
    });
    member.join = undefined;
  }

  private commonProtocol(): string {
    const [first, ...others] = [...this.members.values()];
    const common = first?.protocols.find(({ name }) =>
      others.every((each) => each.protocols.some((it) => it.name === name)),
    );
    return common?.name ?? '';
  }

  private remove(memberId: string, nowMs: number): void {
    const member = this.members.get(memberId);
    member?.join?.(refusal(ERROR.UNKNOWN_MEMBER_ID, memberId));
    member?.sync?.({ errorCode: ERROR.UNKNOWN_MEMBER_ID, assignment: NOTHING });
    this.members.delete(memberId);
    if (!this.hasMembers) {
      this.state = 'Empty';
      this.generation++;
      return;
    }
    if (this.state !== 'PreparingRebalance') this.prepare(nowMs, undefined);
    this.settle(nowMs);
  }
}

const timesOf = ({ sessionTimeoutMs, rebalanceTimeoutMs }: Joining) => ({ sessionTimeoutMs, rebalanceTimeoutMs });

function sameProtocols(a: readonly Protocol[], b: readonly Protocol[]): boolean {
  return (
    a.length === b.length && a.every((each, at) => each.name === b[at]!.name && each.metadata.equals(b[at]!.metadata))
  );
}

function refusal(errorCode: number, memberId: string): JoinAnswer {
  return { errorCode, generationId: -1, protocolType: null, protocolName: null, leader: '', memberId, members: [] };
}
