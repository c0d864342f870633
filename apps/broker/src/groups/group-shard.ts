/**
 * The groups of one partition of `__consumer_offsets`, while this broker leads it: feeds their machines, performs what
 * they return, and keeps their offsets. Made by `group-coordinator.ts`.
 *
 * Invariant: memory changes when the log has taken a record, an answer goes out when the record is committed; and what
 * is read (offsets) is read when everything taken so far is committed.
 */
import type { Io, Logger, Timer } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import type { NewRecord } from '@meridian/protocol/record-batch';
import type { Partition } from '../partition/partition.ts';
import { joinError, type LeftMember, syncError } from './answers.ts';
import { type ClassicGroup, createGroup, isSubscribed } from './classic-group.ts';
import { type CommittedOffset, GroupOffsets } from './committed-offset.ts';
import { groupRecord, offsetRecord } from './group-records.ts';
import type { GroupSettings } from './group-settings.ts';
import { GROUP_LIMITS } from './limits.ts';
import type { GroupEffect, GroupInput, HeartbeatInput, JoinInput, LeaveInput, SyncInput } from './messages.ts';
import {
  type Committer,
  commitError,
  commitErrorWithoutGroup,
  groupDeleteError,
  isExpired,
  offsetDeleteError,
  offsetError,
} from './offset-rules.ts';
import { OffsetsLog } from './offsets-log.ts';
import { OFFSETS_TOPIC } from './offsets-topic.ts';
import { PendingOffsets } from './pending-offsets.ts';
import { Replay } from './replay.ts';
import { step } from './step.ts';
import { groupMetadata } from './turn.ts';

export interface GroupEntry {
  group: ClassicGroup;
  readonly offsets: GroupOffsets;
  readonly timers: Map<string, Timer>;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface OffsetToCommit extends TopicPartition {
  readonly topicId: string;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
  /** Refused unless this is what is committed (−1: nothing); `ANY_OFFSET`: whatever is. */
  readonly expectedOffset: number;
}

export interface GroupShardOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly logger: Logger;
  readonly settings: GroupSettings;
  readonly partition: Partition;
  /** A write has taken the partition offline: what is in memory is worth nothing any more. */
  readonly onLost: () => void;
}

/** What a step has to say at once. */
interface Outcome {
  readonly heartbeat: number | undefined;
  readonly left: readonly LeftMember[] | undefined;
  readonly stored: boolean;
}

const DEFAULT_RETENTION = -1;

export class GroupShard {
  readonly partition: Partition;
  readonly leaderEpoch: number;
  readonly groups = new Map<string, GroupEntry>();
  readonly #io: Pick<Io, 'clock' | 'timers'>;
  readonly #logger: Logger;
  readonly #settings: GroupSettings;
  readonly #log: OffsetsLog;
  #pending = new PendingOffsets();
  readonly #onLost: () => void;
  #ended = false;

  constructor({ io, logger, settings, partition, onLost }: GroupShardOptions) {
    this.partition = partition;
    this.leaderEpoch = partition.leaderEpoch;
    this.#io = io;
    this.#logger = logger;
    this.#settings = settings;
    const { commitTimeoutMs: timeoutMs, offsetsTopicCodec: codec } = settings;
    this.#log = new OffsetsLog(partition, io, { timeoutMs, codec });
    this.#onLost = onLost;
  }

  /** Reads the partition from its start to its end, in steps; with the last one the sessions of its members begin. */
  *load(): Iterable<void> {
    const { log } = this.partition;
    const replay = new Replay(this.#io.clock.now());
    for (let offset = log.startOffset; offset < log.endOffset; ) {
      // Records may be deleted while this goes on.
      const read = log.read(Math.max(offset, log.startOffset), {
        maxBytes: this.#settings.loadBufferBytes,
        minOneBatch: true,
      });
      if (read.buffers.length === 0) break;
      for (const buffer of read.buffers) yield* replay.read(buffer);
      offset = read.nextOffset;
    }
    if (replay.unknown.size > 0) this.#tellUnknown(replay.unknown);
    this.#pending = replay.pending;
    for (const [groupId, { group, offsets }] of replay.groups) {
      const entry = { group, offsets, timers: new Map<string, Timer>() };
      this.groups.set(groupId, entry);
      this.#feed(entry, { kind: 'loaded' });
    }
  }

  /** This broker coordinates these groups no longer: whoever waits is told. */
  end(errorCode: number): void {
    this.#ended = true;
    for (const entry of this.groups.values()) this.#endGroup(entry, errorCode);
    this.groups.clear();
  }

  join(groupId: string, input: JoinInput): void {
    let entry = this.groups.get(groupId);
    const isNew = entry === undefined;
    if (entry === undefined) {
      if (input.memberId !== '') {
        input.waiter.joined(joinError(ERROR.UNKNOWN_MEMBER_ID, input.memberId));
        return;
      }
      entry = this.#create(groupId);
    }
    const { stored } = this.#feed(entry, input);
    if (!isNew || stored) return;
    const created = entry;
    this.#write([groupRecord(groupId, groupMetadata(createGroup(groupId, this.#now())), this.#now())], (errorCode) => {
      if (errorCode !== ERROR.NONE) this.#undoCreation(created);
    });
  }

  sync(groupId: string, input: SyncInput): void {
    const entry = this.groups.get(groupId);
    if (entry === undefined || entry.group.state === 'Empty') {
      input.waiter.synced(syncError(ERROR.UNKNOWN_MEMBER_ID));
    } else this.#feed(entry, input);
  }

  heartbeat(groupId: string, input: HeartbeatInput): number {
    const entry = this.groups.get(groupId);
    if (entry === undefined) return ERROR.UNKNOWN_MEMBER_ID;
    return this.#feed(entry, input).heartbeat ?? ERROR.UNKNOWN_MEMBER_ID;
  }

  async leave(groupId: string, input: LeaveInput): Promise<readonly LeftMember[]> {
    const entry = this.groups.get(groupId);
    if (entry === undefined) {
      return input.members.map((member) => ({ ...member, errorCode: ERROR.UNKNOWN_MEMBER_ID }));
    }
    const { left, stored } = this.#feed(entry, input);
    if (stored) await this.settled();
    return left ?? [];
  }

  /** One code for each offset, in their order. */
  async commit(
    groupId: string,
    committer: Committer,
    offsets: readonly OffsetToCommit[],
    options: { readonly version: number; readonly retentionTimeMs: number },
  ): Promise<readonly number[]> {
    const existing = this.groups.get(groupId);
    const error = existing
      ? commitError(existing.group, committer)
      : commitErrorWithoutGroup(committer, options.version);
    if (error !== ERROR.NONE) return offsets.map(() => error);
    const codes = offsets.map((each) => offsetError(each, existing?.offsets, this.#settings.maxMetadataChars));
    const entry = existing ?? this.#create(groupId);
    this.#feed(entry, { kind: 'committed', memberId: committer.memberId });
    const nowMs = this.#now();
    const accepted = offsets.filter((_, index) => codes[index] === ERROR.NONE);
    const taken = accepted.map((each) => ({ at: each, committed: committed(each, nowMs, options) }));
    const records = taken.map(({ at, committed: offset }) => offsetRecord(groupId, at, offset, nowMs));
    const result = await this.#append(records, () => {
      for (const { at, committed: offset } of taken) entry.offsets.set(at.topic, at.partition, offset);
    });
    if (result !== ERROR.NONE && existing === undefined) this.#undoCreation(entry);
    return codes.map((code) => (code === ERROR.NONE ? result : code));
  }

  /** Undefined if there is no such group; an error code while they are not all committed, or not kept here any more. */
  async offsetsOf(groupId: string): Promise<GroupOffsets | undefined | number> {
    const errorCode = await new Promise<number>((resolve) => this.#log.whenCommitted(resolve));
    if (errorCode !== ERROR.NONE) return errorCode;
    return this.#ended ? ERROR.NOT_COORDINATOR : this.groups.get(groupId)?.offsets;
  }

  /** A transaction may yet change the offset: whoever wants stable ones waits. */
  isUnstable(groupId: string, at: TopicPartition): boolean {
    return this.#pending.has(groupId, at);
  }

  /** One code for each partition, or one for all. */
  async deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<number | readonly number[]> {
    const entry = this.groups.get(groupId);
    const error = entry === undefined ? ERROR.GROUP_ID_NOT_FOUND : offsetDeleteError(entry.group);
    if (entry === undefined || error !== ERROR.NONE) return error;
    const free = partitions.filter(({ topic }) => !isSubscribed(entry.group, topic));
    const there = free.filter(({ topic, partition }) => entry.offsets.get(topic, partition) !== undefined);
    const result = await this.#append(this.#tombstones(entry, there), () => forget(entry, there));
    if (result !== ERROR.NONE) return result;
    return partitions.map((each) => (free.includes(each) ? ERROR.NONE : ERROR.GROUP_SUBSCRIBED_TO_TOPIC));
  }

  async deleteGroup(groupId: string): Promise<number> {
    const entry = this.groups.get(groupId);
    const error = entry === undefined ? ERROR.GROUP_ID_NOT_FOUND : groupDeleteError(entry.group);
    if (entry === undefined || error !== ERROR.NONE) return error;
    return this.#removeGroup(entry);
  }

  /** Forgets offsets that are past their time, and groups that have neither members nor offsets. */
  expire(): void {
    const options = { nowMs: this.#now(), retentionMs: this.#settings.offsetsRetentionMs };
    for (const entry of [...this.groups.values()]) {
      const { group, offsets } = entry;
      const { groupId } = group;
      const expired = offsets.partitions((topic, offset) => isExpired(group, topic, offset, options));
      this.#cleanUp(
        entry,
        expired.filter((at) => !this.#pending.has(groupId, at)),
      );
      const isUsed = !offsets.isEmpty || group.state !== 'Empty' || this.#pending.has(groupId);
      if (!isUsed) this.#unwatched(this.#removeGroup(entry));
    }
  }

  /** Topics were deleted: nobody reads them any more. */
  forgetTopics(exists: (topic: string) => boolean): void {
    for (const entry of this.groups.values()) {
      const gone = entry.offsets.partitions((topic) => !exists(topic));
      this.#cleanUp(entry, gone);
    }
  }

  settled(): Promise<void> {
    return new Promise((resolve) => this.#log.whenSettled(resolve));
  }

  #create(groupId: string): GroupEntry {
    const entry = { group: createGroup(groupId, this.#now()), offsets: new GroupOffsets(), timers: new Map() };
    this.groups.set(groupId, entry);
    return entry;
  }

  #feed(entry: GroupEntry, input: GroupInput): Outcome {
    const effects = step(entry.group, input, this.#now(), this.#settings);
    let heartbeat: number | undefined;
    let left: readonly LeftMember[] | undefined;
    let stored = false;
    for (const effect of effects) {
      if (effect.kind === 'answerHeartbeat') heartbeat = effect.errorCode;
      else if (effect.kind === 'answerLeave') left = effect.members;
      else this.#perform(entry, effect);
      stored ||= effect.kind === 'store';
    }
    return { heartbeat, left, stored };
  }

  #perform(entry: GroupEntry, effect: GroupEffect): void {
    switch (effect.kind) {
      case 'answerJoin':
        return effect.to.joined(effect.answer);
      case 'answerSync':
        return effect.to.synced(effect.answer);
      case 'arm':
        return this.#arm(entry, effect);
      case 'cancel':
        entry.timers.get(effect.timer)?.cancel();
        entry.timers.delete(effect.timer);
        return;
      case 'store': {
        const { next } = effect;
        const record = groupRecord(entry.group.groupId, effect.value, this.#now());
        this.#write([record], (errorCode) => {
          if (next !== undefined && !this.#ended) this.#feed(entry, { kind: 'stored', next, errorCode });
        });
      }
    }
  }

  #arm(entry: GroupEntry, { timer, delayMs, input }: Extract<GroupEffect, { kind: 'arm' }>): void {
    entry.timers.get(timer)?.cancel();
    const fire = () => {
      entry.timers.delete(timer);
      this.#feed(entry, input);
    };
    entry.timers.set(timer, this.#io.timers.after(Math.max(0, delayMs), fire));
  }

  #endGroup(entry: GroupEntry, errorCode: number): void {
    this.#feed(entry, { kind: 'end', errorCode });
    for (const timer of entry.timers.values()) timer.cancel();
    entry.timers.clear();
  }

  #tombstones({ group }: GroupEntry, partitions: readonly TopicPartition[]): NewRecord[] {
    return partitions.map((at) => offsetRecord(group.groupId, at, null, this.#now()));
  }

  /** Nobody waits for it, so it may take several batches; each is forgotten when the log has taken it. */
  #cleanUp(entry: GroupEntry, partitions: readonly TopicPartition[]): void {
    for (let at = 0; at < partitions.length; at += GROUP_LIMITS.recordsPerBatch) {
      const some = partitions.slice(at, at + GROUP_LIMITS.recordsPerBatch);
      this.#unwatched(this.#append(this.#tombstones(entry, some), () => forget(entry, some)));
    }
  }

  #removeGroup(entry: GroupEntry): Promise<number> {
    const { groupId } = entry.group;
    const all = entry.offsets.partitions(() => true);
    const records = [...this.#tombstones(entry, all), groupRecord(groupId, null, this.#now())];
    return this.#append(records, () => {
      this.#endGroup(entry, ERROR.GROUP_ID_NOT_FOUND);
      this.groups.delete(groupId);
    });
  }

  /** The log has not taken the group's first record: there is no such group, and whoever waits in it is told. */
  #undoCreation(entry: GroupEntry): void {
    const { groupId } = entry.group;
    if (this.groups.get(groupId) !== entry || !entry.offsets.isEmpty) return;
    this.#endGroup(entry, ERROR.COORDINATOR_NOT_AVAILABLE);
    this.groups.delete(groupId);
  }

  /** One batch: whole or not at all. `apply` runs if the log takes it; resolves when it is committed. */
  async #append(records: readonly NewRecord[], apply: () => void): Promise<number> {
    if (records.length === 0) return ERROR.NONE;
    let error: number = ERROR.NONE;
    const isTaken = this.#log.append(records, (errorCode) => {
      error = errorCode;
      this.#noteSettled(errorCode);
    });
    if (isTaken) apply();
    await this.settled();
    return error;
  }

  #write(records: readonly NewRecord[], onSettled: (errorCode: number) => void = () => undefined): void {
    this.#log.append(records, (errorCode) => {
      // That the leader moves, or replicas lag, is told by others; the members ask again.
      const level =
        errorCode === ERROR.NOT_COORDINATOR || errorCode === ERROR.COORDINATOR_NOT_AVAILABLE ? 'info' : 'warn';
      if (errorCode !== ERROR.NONE) this.#logger[level]('group metadata could not be written', { errorCode });
      onSettled(errorCode);
      this.#noteSettled(errorCode);
    });
  }

  /** After the answers to this write have been made: they say what became of it. */
  #noteSettled(errorCode: number): void {
    if (errorCode !== ERROR.NONE && this.partition.hasEnded && !this.#ended) this.#io.timers.defer(this.#onLost);
  }

  #tellUnknown(types: ReadonlyMap<number, number>): void {
    for (const [type, records] of types) {
      const partition = this.partition.index;
      this.#logger.warn('records of an unknown type were passed over', {
        topic: OFFSETS_TOPIC,
        partition,
        type,
        records,
      });
    }
  }

  /** A failure of the clean-up: told, and tried again next time. */
  #unwatched(result: Promise<number>): void {
    void result.then((errorCode) => {
      if (errorCode !== ERROR.NONE) this.#logger.warn('offsets could not be forgotten', { errorCode });
    });
  }

  #now(): number {
    return this.#io.clock.now();
  }
}

function forget({ offsets }: GroupEntry, partitions: readonly TopicPartition[]): void {
  for (const { topic, partition } of partitions) offsets.delete(topic, partition);
}

function committed(
  { offset, leaderEpoch, metadata, topicId }: OffsetToCommit,
  nowMs: number,
  { retentionTimeMs }: { readonly retentionTimeMs: number },
): CommittedOffset {
  const expireTimestampMs = retentionTimeMs === DEFAULT_RETENTION ? -1 : nowMs + retentionTimeMs;
  return { offset, leaderEpoch, metadata: metadata ?? '', commitTimestampMs: nowMs, expireTimestampMs, topicId };
}
