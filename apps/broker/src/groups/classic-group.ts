/**
 * A classic consumer group as data, and what holds of its members: who leads, which protocols all of them know, who has
 * joined. Changed only by the machine (`step.ts` and the files that it calls) and by the replay of `__consumer_offsets`.
 * Invariant: `awaitingJoin` counts the members that wait for a JoinGroup answer, and `protocolCounts` how many members know
 * each protocol; so both are changed only by the functions of this file.
 */
import type { JoinAnswer, SyncAnswer } from './answers.ts';
import { subscribedTopics } from './subscription.ts';

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

/** Somebody who waits for an answer; the machine only remembers them. */
export interface JoinWaiter {
  joined(answer: JoinAnswer): void;
}
export interface SyncWaiter {
  synced(answer: SyncAnswer): void;
}

/** A protocol (an assignor, for consumers) that a member supports, with its subscription in that protocol's words. */
export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface Member {
  readonly memberId: string;
  /** Set for static members. */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  readonly protocolType: string;
  protocols: readonly MemberProtocol[];
  assignment: Buffer;
  awaitingJoin: JoinWaiter | undefined;
  awaitingSync: SyncWaiter | undefined;
  /** Until its first join has been answered. */
  isNew: boolean;
}

export interface ClassicGroup {
  readonly groupId: string;
  state: GroupState;
  previousState: GroupState;
  generation: number;
  protocolType: string | null;
  protocolName: string | null;
  leader: string | null;
  /** In the order in which they came. */
  readonly members: Map<string, Member>;
  /** Member ids of static members by instance id. */
  readonly staticMembers: Map<string, string>;
  /** Members that have been given an id and have not joined with it yet. */
  readonly pendingJoin: Set<string>;
  /** Members of this generation that have not asked for their assignment yet. */
  readonly pendingSync: Set<string>;
  readonly protocolCounts: Map<string, number>;
  awaitingJoin: number;
  /** A member came during the initial delay, which is therefore prolonged. */
  newMemberAdded: boolean;
  /** Topics that the members consume; undefined where that is not known. */
  subscribedTopics: ReadonlySet<string> | undefined;
  /** When the present state began; −1 if unknown. */
  stateSinceMs: number;
}

export const NO_ASSIGNMENT: Buffer = Buffer.alloc(0);
const CONSUMER_PROTOCOL_TYPE = 'consumer';

export function createGroup(groupId: string, nowMs: number): ClassicGroup {
  return {
    groupId,
    state: 'Empty',
    previousState: 'Dead',
    generation: 0,
    protocolType: null,
    protocolName: null,
    leader: null,
    members: new Map(),
    staticMembers: new Map(),
    pendingJoin: new Set(),
    pendingSync: new Set(),
    protocolCounts: new Map(),
    awaitingJoin: 0,
    newMemberAdded: false,
    subscribedTopics: undefined,
    stateSinceMs: nowMs,
  };
}

/** The first member gives the group its protocol type and leads it. */
export function addMember(group: ClassicGroup, member: Member): void {
  if (group.members.size === 0) group.protocolType = member.protocolType;
  if (member.instanceId !== null) group.staticMembers.set(member.instanceId, member.memberId);
  group.leader ??= member.memberId;
  group.members.set(member.memberId, member);
  count(group, member.protocols, 1);
  if (member.awaitingJoin !== undefined) group.awaitingJoin++;
  group.pendingJoin.delete(member.memberId);
}

export function removeMember(group: ClassicGroup, memberId: string): void {
  const member = group.members.get(memberId);
  if (member !== undefined) {
    group.members.delete(memberId);
    count(group, member.protocols, -1);
    if (member.awaitingJoin !== undefined) group.awaitingJoin--;
    if (member.instanceId !== null) group.staticMembers.delete(member.instanceId);
  }
  if (group.leader === memberId) group.leader = group.members.keys().next().value ?? null;
  group.pendingJoin.delete(memberId);
  group.pendingSync.delete(memberId);
}

/** Puts a static member that came back under a new id in the place of its old self. */
export function replaceMember(group: ClassicGroup, old: Member, memberId: string): Member {
  const { instanceId } = old;
  const next: Member = { ...old, memberId, awaitingJoin: undefined, awaitingSync: undefined, isNew: false };
  group.members.delete(old.memberId);
  if (old.awaitingJoin !== undefined) group.awaitingJoin--;
  group.members.set(memberId, next);
  if (group.leader === old.memberId) group.leader = memberId;
  if (instanceId !== null) group.staticMembers.set(instanceId, memberId);
  return next;
}

export function changeProtocols(group: ClassicGroup, member: Member, protocols: readonly MemberProtocol[]): void {
  count(group, member.protocols, -1);
  member.protocols = protocols;
  count(group, protocols, 1);
}

export function awaitJoin(group: ClassicGroup, member: Member, waiter: JoinWaiter | undefined): void {
  group.awaitingJoin += Number(waiter !== undefined) - Number(member.awaitingJoin !== undefined);
  member.awaitingJoin = waiter;
}

function count(group: ClassicGroup, protocols: readonly MemberProtocol[], by: 1 | -1): void {
  for (const { name } of protocols) group.protocolCounts.set(name, (group.protocolCounts.get(name) ?? 0) + by);
}

export function hasAllJoined(group: ClassicGroup): boolean {
  return group.members.size === group.awaitingJoin && group.pendingJoin.size === 0;
}

/** Whether somebody with these protocols may come in: at least one that all the others know, too. */
export function supportsProtocols(group: ClassicGroup, type: string, protocols: readonly MemberProtocol[]): boolean {
  if (group.state === 'Empty') return type !== '' && protocols.length > 0;
  const isKnown = ({ name }: MemberProtocol) => (group.protocolCounts.get(name) ?? 0) === group.members.size;
  return group.protocolType === type && protocols.some(isKnown);
}

/** Of the protocols that all members know, the one that most of them name first; of several, the one Kafka would take. */
export function selectProtocol(group: ClassicGroup): string {
  const votes = new Map<string, number>();
  for (const { protocols } of group.members.values()) {
    const vote = protocols.find(({ name }) => group.protocolCounts.get(name) === group.members.size);
    if (vote !== undefined) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
  }
  const [first] = inTableOrder(votes).sort(([, a], [, b]) => b - a);
  if (first === undefined) throw new Error(`group ${group.groupId}: no protocol that all members know`);
  return first[0];
}

const FEWEST_BUCKETS = 16;
const FULL_SHARE = 0.75;

/** In the order in which Java's hash table holds them, which decides in Apache Kafka where the votes do not. */
function inTableOrder(votes: ReadonlyMap<string, number>): [name: string, votes: number][] {
  let buckets = FEWEST_BUCKETS;
  while (votes.size > buckets * FULL_SHARE) buckets *= 2;
  const bucketOf = (name: string): number => {
    let hash = 0;
    for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) | 0;
    return (hash ^ (hash >>> 16)) & (buckets - 1);
  };
  return [...votes].sort(([a], [b]) => bucketOf(a) - bucketOf(b));
}

export function metadataOf(member: Member, protocolName: string | null): Buffer {
  return member.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_ASSIGNMENT;
}

/** The longest that any member may take to rejoin. */
export function rebalanceTimeoutMs(group: ClassicGroup): number {
  let longest = 0;
  for (const member of group.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs);
  return longest;
}

export function usesConsumerProtocol(group: ClassicGroup): boolean {
  return group.protocolType === CONSUMER_PROTOCOL_TYPE;
}

/** What the members consume, as far as their subscriptions can be read. */
export function computeSubscribedTopics(group: ClassicGroup): ReadonlySet<string> | undefined {
  if (!usesConsumerProtocol(group)) return undefined;
  if (group.members.size > 0 && group.protocolName === null) return undefined;
  return subscribedTopics([...group.members.values()].map((member) => metadataOf(member, group.protocolName)));
}

/** While it is not known what a consumer group reads, it may be reading anything. */
export function isSubscribed(group: ClassicGroup, topic: string): boolean {
  return group.subscribedTopics?.has(topic) ?? usesConsumerProtocol(group);
}
