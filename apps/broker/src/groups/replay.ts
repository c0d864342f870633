/**
 * Brings the groups of one partition of `__consumer_offsets` back from its batches. Called by `group-shard.ts` when this
 * broker begins to lead the partition.
 * Invariant: offsets that were committed in a transaction count from its commit marker on, and never if it was aborted.
 * Records of types that this release does not know are passed over, as Apache Kafka does.
 */
import { CONTROL_RECORD_TYPE, ControlRecordKey, decodeMessage, decompress } from '@meridian/protocol';
import { type BatchView, iterateBatches, NO_PRODUCER_ID, type Rec, readRecords } from '@meridian/protocol/record-batch';
import {
  addMember,
  type ClassicGroup,
  computeSubscribedTopics,
  createGroup,
  type Member,
  type MemberProtocol,
} from './classic-group.ts';
import { GroupOffsets } from './committed-offset.ts';
import { type KnownGroupRecord, type ReadGroupMetadata, readGroupRecord } from './group-records.ts';
import { PendingOffsets } from './pending-offsets.ts';

export interface LoadedGroup {
  group: ClassicGroup;
  readonly offsets: GroupOffsets;
}

export class Replay {
  readonly groups = new Map<string, LoadedGroup>();
  /** Offsets of transactions whose end has not come yet. */
  readonly pending = new PendingOffsets();
  /** How many records of each type were passed over. */
  readonly unknown = new Map<number, number>();
  readonly #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  /** Whole batches, in the order of the log; one in each step. */
  *read(bytes: Buffer): Iterable<void> {
    for (const view of iterateBatches(bytes)) {
      this.#batch(view);
      yield;
    }
  }

  #batch({ header, bytes }: BatchView): void {
    const isTransactional = header.isTransactional && header.producerId !== NO_PRODUCER_ID;
    for (const record of readRecords(bytes, { decompress })) {
      if (header.isControl) {
        this.#endTransaction(header.producerId, record);
        continue;
      }
      const read = readGroupRecord(record);
      if (read.kind === 'unknown') this.unknown.set(read.type, (this.unknown.get(read.type) ?? 0) + 1);
      else if (isTransactional) this.pending.hold(header.producerId, read);
      else this.#apply(read);
    }
  }

  #endTransaction(producerId: number, { key }: Rec): void {
    const held = this.pending.take(producerId);
    const { type } = decodeMessage(ControlRecordKey, 0, Buffer.from(key ?? []));
    if (type === CONTROL_RECORD_TYPE.COMMIT) for (const record of held) this.#apply(record);
  }

  #apply(record: KnownGroupRecord): void {
    if (record.kind === 'group') return this.#applyGroup(record.groupId, record.value);
    const { groupId, topic, partition, offset } = record;
    if (offset !== null) this.#entry(groupId).offsets.set(topic, partition, offset);
    else this.groups.get(groupId)?.offsets.delete(topic, partition);
  }

  #applyGroup(groupId: string, value: ReadGroupMetadata | null): void {
    if (value !== null) {
      this.#entry(groupId).group = loadedGroup(groupId, value);
      return;
    }
    const entry = this.groups.get(groupId);
    if (entry === undefined) return;
    if (entry.offsets.isEmpty) this.groups.delete(groupId);
    else entry.group = createGroup(groupId, this.#nowMs);
  }

  #entry(groupId: string): LoadedGroup {
    let entry = this.groups.get(groupId);
    if (entry === undefined) {
      entry = { group: createGroup(groupId, this.#nowMs), offsets: new GroupOffsets() };
      this.groups.set(groupId, entry);
    }
    return entry;
  }
}

/** Of a member's protocols, only the one in use was written down. */
function loadedGroup(groupId: string, value: ReadGroupMetadata): ClassicGroup {
  const group = createGroup(groupId, value.currentStateTimestamp);
  group.state = value.members.length === 0 ? 'Empty' : 'Stable';
  group.generation = value.generation;
  group.protocolType = value.protocolType === '' ? null : value.protocolType;
  group.protocolName = value.protocol;
  group.leader = value.leader;
  for (const member of value.members) addMember(group, loadedMember(member, value));
  group.subscribedTopics = computeSubscribedTopics(group);
  return group;
}

function loadedMember(stored: ReadGroupMetadata['members'][number], value: ReadGroupMetadata): Member {
  const protocols: MemberProtocol[] = [{ name: value.protocol ?? '', metadata: stored.subscription }];
  return {
    memberId: stored.memberId,
    instanceId: stored.groupInstanceId,
    clientId: stored.clientId,
    clientHost: stored.clientHost,
    rebalanceTimeoutMs: stored.rebalanceTimeout === -1 ? stored.sessionTimeout : stored.rebalanceTimeout,
    sessionTimeoutMs: stored.sessionTimeout,
    protocolType: value.protocolType,
    protocols,
    assignment: stored.assignment,
    awaitingJoin: undefined,
    awaitingSync: undefined,
    isNew: false,
  };
}
