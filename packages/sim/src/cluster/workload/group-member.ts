/**
 * A member of a classic consumer group, as consumers are written: joins, is assigned partitions, reads on from what is
 * committed, processes, commits what it has processed, and joins again whenever it is told to. It lives for some
 * time, leaves with or without a word, and another takes its place.
 * Invariant: a value is processed before its offset is committed.
 */
import type { Client, FetchedSlice } from '@meridian/client';
import type { Io } from '@meridian/io';
import { between, chance } from '@meridian/io/sim';
import { ERROR, Heartbeat, JoinGroup, LeaveGroup, SyncGroup } from '@meridian/protocol';
import { groupKey, type History } from '../history.ts';
import { CLUSTER_LIMITS as LIMITS } from '../limits.ts';
import { batchesIn, recordsOf } from '../stored-replica.ts';
import type { GroupCalls } from './group-calls.ts';

const REBALANCE_MS = 3_000;

export interface MemberOptions {
  readonly io: Io;
  readonly client: Client;
  readonly calls: GroupCalls;
  readonly topic: string;
  readonly partitions: number;
  readonly history: History;
  readonly fetchBytes: number;
  trace(line: string): void;
  /** The region is at rest: stay, and read on. */
  isOver(): boolean;
}

interface Membership {
  readonly memberId: string;
  readonly generationId: number;
  readonly indexes: readonly number[];
}

/** Lives again and again until the run ends. */
export async function runMember(options: MemberOptions): Promise<never> {
  const { io } = options;
  for (;;) {
    const endsAtMs = io.clock.monotonic() + between(io.random, LIMITS.memberLifeMs);
    await live(options, () => !options.isOver() && io.clock.monotonic() > endsAtMs);
  }
}

async function live(options: MemberOptions, isOver: () => boolean): Promise<void> {
  const { io, calls } = options;
  let memberId = '';
  while (!isOver()) {
    try {
      const membership = await join(options, memberId);
      memberId = membership?.memberId ?? '';
      if (membership !== undefined) await work(options, membership, isOver);
      else await io.timers.sleep(LIMITS.retryMs);
    } catch (error) {
      options.trace(`member ${memberId} tries again: ${(error as Error).message}`);
      await io.timers.sleep(LIMITS.retryMs);
    }
  }
  if (memberId === '' || chance(io.random, 0.4)) return;
  const body = { groupId: calls.group, members: [{ memberId }] };
  await calls.send(LeaveGroup, body).catch(() => {});
}

/** Undefined: has to be tried again, as somebody new if the id is not known any more. */
async function join(
  { calls, topic, partitions, history }: MemberOptions,
  known: string,
): Promise<Membership | undefined> {
  const group = { groupId: calls.group, protocolType: 'consumer' };
  const times = { sessionTimeoutMs: LIMITS.memberSessionMs, rebalanceTimeoutMs: REBALANCE_MS };
  const protocols = [{ name: 'range', metadata: subscriptionTo(topic) }];
  let joined = await calls.send(JoinGroup, { ...group, ...times, memberId: known, protocols });
  if (joined.errorCode === ERROR.MEMBER_ID_REQUIRED)
    joined = await calls.send(JoinGroup, { ...group, ...times, memberId: joined.memberId, protocols });
  if (joined.errorCode !== ERROR.NONE) return undefined;
  const { memberId, generationId, leader, members } = joined;
  const assignments =
    leader === memberId
      ? assign(
          members.map((member) => member.memberId),
          partitions,
        )
      : [];
  const sync = { groupId: calls.group, generationId, memberId, protocolName: 'range', protocolType: 'consumer' };
  const synced = await calls.send(SyncGroup, { ...sync, assignments });
  if (synced.errorCode !== ERROR.NONE) return undefined;
  const indexes = [...synced.assignment];
  for (const index of indexes)
    history.owned.push({ group: calls.group, generation: generationId, member: memberId, topic, index });
  return { memberId, generationId, indexes };
}

/** One byte for each partition, in turns. */
function assign(members: readonly string[], partitions: number): { memberId: string; assignment: Buffer }[] {
  const sorted = [...members].sort();
  return sorted.map((memberId, at) => {
    const indexes = Array.from({ length: partitions }, (_, index) => index);
    return { memberId, assignment: Buffer.from(indexes.filter((index) => index % sorted.length === at)) };
  });
}

/** Version 0, one topic, no user data. */
function subscriptionTo(topic: string): Buffer {
  const head = Buffer.from([0, 0, 0, 0, 0, 1, 0, topic.length]);
  return Buffer.concat([head, Buffer.from(topic), Buffer.alloc(4)]);
}

/** Reads and commits until the group wants it to join again. */
async function work(options: MemberOptions, membership: Membership, isOver: () => boolean): Promise<void> {
  const { io, calls, client, topic, history } = options;
  const { memberId, generationId, indexes } = membership;
  const fetcher = client.fetcher({ partitionMaxBytes: options.fetchBytes });
  const positions = new Map<number, number>();
  try {
    for (const index of indexes) await beginAt(options, fetcher, positions, index);
    while (!isOver()) {
      await io.timers.sleep(LIMITS.memberPollMs);
      const beat = await calls.send(Heartbeat, { groupId: calls.group, generationId, memberId });
      if (beat.errorCode !== ERROR.NONE) return;
      const offsets = [...positions].map(([index, offset]) => ({ topic, index, offset }));
      if (offsets.length === 0) continue;
      if ((await calls.commit(membership, offsets)) !== ERROR.NONE) return;
      for (const { index, offset } of offsets) noteCommit(history, calls.group, topic, index, offset);
    }
  } finally {
    fetcher.close();
  }
}

export function noteCommit(history: History, group: string, topic: string, index: number, offset: number): void {
  const key = groupKey(group, topic, index);
  history.committed.set(key, Math.max(history.committed.get(key) ?? -1, offset));
}

/** Reads on from what is committed; what was told of earlier must not be forgotten. */
async function beginAt(
  options: MemberOptions,
  fetcher: ReturnType<Client['fetcher']>,
  positions: Map<number, number>,
  index: number,
): Promise<void> {
  const { calls, topic, history } = options;
  const committed = await lookAtCommitted(calls, history, topic, index);
  if (committed === undefined) throw new Error(`what is committed of ${topic}-${index} is not known now`);
  const offset = Math.max(0, committed);
  const key = groupKey(calls.group, topic, index);
  const done = history.processed.get(key) ?? new Set<string>();
  history.processed.set(key, done);
  const process = (slice: FetchedSlice): void => {
    for (const buffer of slice.buffers)
      for (const record of recordsOf(batchesIn(buffer))) if (record.offset >= offset) done.add(record.value);
    positions.set(index, slice.nextOffset);
  };
  const handle = fetcher.add({
    topic,
    partition: index,
    offset,
    onBatches: process,
    onError: () => handle.seek(positions.get(index) ?? offset),
  });
}

/** An answer that is older than a commit which had been answered before the question is a violation. */
export async function lookAtCommitted(
  calls: GroupCalls,
  history: History,
  topic: string,
  index: number,
): Promise<number | undefined> {
  const least = history.committed.get(groupKey(calls.group, topic, index)) ?? -1;
  const committed = await calls.committed(topic, index);
  if (committed === undefined) return undefined;
  if (committed < least)
    history.complaints.push(`group ${calls.group}: ${topic}-${index} is at ${committed}, committed was ${least}`);
  // Whoever was told of it once must never be told less, even if its commit was not answered.
  noteCommit(history, calls.group, topic, index, committed);
  return committed;
}
