/**
 * A quorum of one node that does as it is told, for tests of the controller: what is proposed is committed when the test
 * says so, and the lead comes and goes. The bytes of snapshots are kept and can be handed to another node.
 */
import { decodeMetadataRecord, encodeMetadataRecord, type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import type { QuorumDescription, QuorumListener, QuorumNode } from '../quorum/quorum-node.ts';

interface FakeBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly epoch: number;
  readonly values: readonly Buffer[];
}

export class FakeQuorumNode implements QuorumNode {
  readonly self = { id: 1, directoryId: ZERO_UUID };
  highWatermark = -1;
  endOffset = 0;
  /** Batches that were appended, and not yet handed out. */
  readonly pending: FakeBatch[] = [];
  readonly snapshots: { endOffset: number; epoch: number; values: Buffer[] }[] = [];
  listener: QuorumListener | undefined;
  /** Whether what is proposed is committed at once. */
  commitsAtOnce = false;
  /** How large the log seems to be. */
  bytes = 0;
  #leader = { id: -1, epoch: 0 };
  #delivering: Promise<void> = Promise.resolve();

  get leaderHighWatermark(): number {
    return this.highWatermark;
  }

  get durableEnd(): number {
    return this.endOffset;
  }

  get committedEpoch(): number {
    return this.#leader.epoch;
  }

  start(listener: QuorumListener): void {
    this.listener = listener;
  }

  leader(): { readonly id: number; readonly epoch: number } {
    return this.#leader;
  }

  addressOf(): undefined {
    return undefined;
  }

  /** This node leads the epoch, and its first record is appended. */
  lead(epoch: number): void {
    this.#leader = { id: 1, epoch };
    this.listener!.leaderChanged(1, epoch);
    const epochStart = this.endOffset;
    this.#append(epoch, []);
    this.listener!.leads(epoch, epochStart);
  }

  /** Another leads; what was not committed is gone. */
  lose(epoch: number): void {
    this.#leader = { id: 2, epoch };
    this.endOffset = this.pending[0]?.baseOffset ?? this.endOffset;
    this.pending.length = 0;
    this.listener!.ledNoMore();
    this.listener!.leaderChanged(2, epoch);
  }

  propose(epoch: number, values: readonly Buffer[]): number | undefined {
    if (this.#leader.id !== 1 || this.#leader.epoch !== epoch) return undefined;
    this.#append(epoch, values);
    if (this.commitsAtOnce) void this.commit();
    return this.endOffset;
  }

  /** Records as another leader has written them. */
  receive(epoch: number, ...batches: (readonly MetadataRecordInput[])[]): Promise<void> {
    for (const records of batches) {
      const values = records.map((record) => encodeMetadataRecord(record));
      this.#append(epoch, values);
    }
    return this.commit();
  }

  /** Hands out what is appended; resolves when everybody has followed. */
  commit(): Promise<void> {
    const batches = this.pending.splice(0);
    this.highWatermark = batches.at(-1)?.nextOffset ?? this.highWatermark;
    this.#delivering = this.#delivering.then(async () => {
      for (const { values, ...place } of batches) {
        const records = values.map((value) => decodeMetadataRecord(value));
        await this.listener!.committed({ ...place, timestamp: 0, records });
      }
    });
    return this.#delivering;
  }

  async writeSnapshot(endOffset: number, epoch: number, batches: Iterable<readonly Buffer[]>): Promise<void> {
    this.snapshots.push({ endOffset, epoch, values: [...batches].flat() });
    this.bytes = 0;
  }

  bytesSinceSnapshot(): number {
    return this.bytes;
  }

  async handle(): Promise<never> {
    throw new Error('there is nobody else');
  }

  describe(): QuorumDescription {
    const { id: leaderId, epoch: leaderEpoch } = this.#leader;
    const { highWatermark } = this;
    return { leaderId, leaderEpoch, highWatermark, voters: [], progress: [], kraftVersion: 1 };
  }

  leaderUnreachable(): void {}
  async resign(): Promise<void> {}
  async close(): Promise<void> {}

  #append(epoch: number, values: readonly Buffer[]): void {
    const baseOffset = this.endOffset;
    this.endOffset += Math.max(values.length, 1);
    this.pending.push({ baseOffset, nextOffset: this.endOffset, epoch, values });
    this.bytes += values.reduce((sum, { length }) => sum + length, 0);
  }
}
