/**
 * Keeps MirrorMaker 2's topics for a link that says `mm2: true`: offset syncs at the source by whoever mirrors the
 * partition, heartbeats there and checkpoints at the target by the link's keeper. Java's `RemoteClusterUtils` and the tools around it then find
 * what they know. Invariant: nothing of ours rests on these records; a writer that fails tells so and goes on.
 */
import { type Client, ClientError } from '@meridian/client';
import type { Io, Logger } from '@meridian/io';
import { ERROR, errorName } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import type { SourceCommit } from '../groups/messages.ts';
import type { MirrorLimits } from '../limits.ts';
import { encodeCheckpoint } from './checkpoint.ts';
import { encodeHeartbeat } from './heartbeat.ts';
import { checkpointsTopic, HEARTBEATS_TOPIC, MM2_TOPIC_CONFIGS, offsetSyncsTopic } from './mm2-topics.ts';
import { encodeOffsetSync } from './offset-sync.ts';
import type { KeyValue } from './struct-bytes.ts';

/** Where a partition's last mirrored record lies on either side. */
export interface MirroredPlace {
  /** As it is called at the source. */
  readonly topic: string;
  readonly partition: number;
  readonly upstreamOffset: number;
  readonly downstreamOffset: number;
}

export interface Mm2WriterOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly limits: Pick<MirrorLimits, 'mm2RoundMs' | 'mm2BatchRecords' | 'requestTimeoutMs'>;
  readonly from: string;
  readonly to: string;
  readonly source: Pick<Client, 'createTopics' | 'produce'>;
  readonly target: Pick<Client, 'createTopics' | 'produce'>;
  /** Writes heartbeats and checkpoints, too. */
  readonly isKeeper: boolean;
  /** What has moved since it was asked last. */
  places(): Promise<readonly MirroredPlace[]>;
}

export class Mm2Writer {
  private readonly options: Mm2WriterOptions;
  private readonly stopping = new AbortController();
  private loop: Promise<void> | undefined;
  private readonly made = new Set<string>();
  /** What is to be written next, by key: a newer one takes the place of an older one. */
  private readonly checkpoints = new Map<string, KeyValue>();
  /** What has been written or is to be, by key; as text. */
  private readonly toldCheckpoints = new Map<string, string>();
  private syncs: KeyValue[] = [];
  /** Why MirrorMaker 2's topics are not up to date. */
  trouble: string | null = null;

  constructor(options: Mm2WriterOptions) {
    this.options = options;
  }

  start(): void {
    this.loop ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  /** What `GroupShell` hears: where the group is to go on in the copies. */
  hearTranslated(group: string, commits: readonly SourceCommit[]): void {
    for (const { counterpart: topic, partition, offset, metadata, translation, commonEnd } of commits) {
      const downstreamOffset = translation.status === 'behind' ? commonEnd : translation.offset;
      const key = `${group} ${topic} ${partition}`;
      const told = `${offset} ${downstreamOffset}`;
      if (this.toldCheckpoints.get(key) === told) continue;
      this.toldCheckpoints.set(key, told);
      const checkpoint = { group, topic, partition, upstreamOffset: offset, downstreamOffset, metadata };
      this.checkpoints.set(key, encodeCheckpoint(checkpoint));
    }
  }

  private async run(): Promise<void> {
    const { io, limits, isKeeper } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const outcomes = await Promise.allSettled([
        this.writeSyncs(),
        ...(isKeeper ? [this.writeHeartbeat(), this.writeCheckpoints()] : []),
      ]);
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (!signal.aborted) this.tell(failed === undefined ? null : String(failed.reason?.message ?? failed.reason));
      await io.timers.sleep(limits.mm2RoundMs, signal);
    }
  }

  private async writeHeartbeat(): Promise<void> {
    const { io, from, to } = this.options;
    const heartbeat = encodeHeartbeat({ sourceAlias: from, targetAlias: to, timestampMs: io.clock.now() });
    await this.write('source', HEARTBEATS_TOPIC, [heartbeat]);
  }

  /** A partition that has moved since, with its last record: at rest, nothing is written. */
  private async writeSyncs(): Promise<void> {
    const moved = await this.options.places();
    this.syncs.push(...moved.map(encodeOffsetSync));
    if (this.syncs.length === 0) return;
    await this.write('source', offsetSyncsTopic(this.options.to), this.syncs);
    this.syncs = [];
  }

  private async writeCheckpoints(): Promise<void> {
    const due = [...this.checkpoints];
    const topic = checkpointsTopic(this.options.from);
    await this.write(
      'target',
      topic,
      due.map(([, record]) => record),
    );
    for (const [key, record] of due) if (this.checkpoints.get(key) === record) this.checkpoints.delete(key);
  }

  /** The topic is made even where there is nothing to write yet: readers look for it. */
  private async write(side: 'source' | 'target', topic: string, records: readonly KeyValue[]): Promise<void> {
    const { io, limits } = this.options;
    const client = this.options[side];
    const call = { timeoutMs: limits.requestTimeoutMs, signal: this.stopping.signal };
    await this.make(side, topic);
    for (let at = 0; at < records.length; at += limits.mm2BatchRecords) {
      const timestamp = io.clock.now();
      const batch = writeBatch({
        records: records
          .slice(at, at + limits.mm2BatchRecords)
          .map((record) => ({ ...record, timestamp, headers: [] })),
      });
      const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.length);
      const { errorCode } = await client.produce(topic, 0, [bytes], { ...call, retryUnknown: true });
      if (errorCode === ERROR.UNKNOWN_TOPIC_OR_PARTITION) this.made.delete(`${side} ${topic}`);
      if (errorCode !== ERROR.NONE) throw new ClientError('refused', `${topic}: ${errorName(errorCode)}`);
    }
  }

  private async make(side: 'source' | 'target', name: string): Promise<void> {
    const key = `${side} ${name}`;
    if (this.made.has(key)) return;
    const call = { timeoutMs: this.options.limits.requestTimeoutMs, signal: this.stopping.signal };
    const wanted = [{ name, numPartitions: 1, configs: MM2_TOPIC_CONFIGS }];
    const [outcome] = await this.options[side].createTopics(wanted, call);
    const errorCode = outcome?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
    if (errorCode !== ERROR.NONE && errorCode !== ERROR.TOPIC_ALREADY_EXISTS)
      throw new ClientError('refused', `${name}: ${outcome?.errorMessage ?? errorName(errorCode)}`);
    this.made.add(key);
  }

  private tell(trouble: string | null): void {
    const { log, from, to } = this.options;
    if (trouble !== null && trouble !== this.trouble)
      log.warn("mirrormaker 2's topics are not up to date", { from, to, trouble });
    this.trouble = trouble;
  }
}
