/**
 * The way into a copy on brokers of Meridian: appends at the origin's offsets, and what the copy's broker tells of it.
 * Owned by the shell of its partition. Invariant: an append is one attempt; what came of it is told, whatever it was.
 */
import { type CallOptions, type Client, ClientError, EARLIEST, LATEST } from '@meridian/client';
import { ERROR, errorName, Fetch, MIRROR_FEATURE } from '@meridian/protocol';
import type { AppendOutcome, CopyAppend, CopyWriter, Located } from './copy-writer.ts';
import { offsetOf } from './listed-offset.ts';
import type { TaskPlace } from './mirror-task.ts';

export interface EmbeddedWriterOptions {
  readonly target: Client;
  readonly place: TaskPlace;
  readonly call: CallOptions;
}

export class EmbeddedWriter implements CopyWriter {
  private readonly target: Client;
  private readonly place: TaskPlace;
  private readonly call: CallOptions;

  constructor({ target, place, call }: EmbeddedWriterOptions) {
    this.target = target;
    this.place = place;
    this.call = call;
  }

  /** The copy's broker tells the origin epochs of what it has. */
  async locate(): Promise<Located> {
    const { copy: topic, partition } = this.place;
    const [earliest, latest] = await Promise.all(
      [EARLIEST, LATEST].map((timestamp) => this.target.listOffsets([{ topic, partition, timestamp }], this.call)),
    );
    const copyEnd = offsetOf(latest!, 'the copy');
    return { copyStart: offsetOf(earliest!, 'the copy'), copyEnd, lastEpoch: await this.lastOriginEpoch(copyEnd) };
  }

  async append({ buffers, expectedEnd, endOffset }: CopyAppend): Promise<AppendOutcome> {
    const { copy, partition, topicId } = this.place;
    try {
      const { timeoutMs } = this.call;
      const mirror = { originTopicId: topicId, expectedEnd, endOffset };
      const result = await this.target.produce(copy, partition, buffers, {
        mirror,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      return result.errorCode === ERROR.NONE ? { kind: 'appended' } : refusalOf(expectedEnd, result);
    } catch (error) {
      const reason = error instanceof ClientError ? error.message : String(error);
      return { kind: 'other', reason: `append to ${copy}: ${reason}` };
    }
  }

  async advanceStart(offset: number): Promise<void> {
    const { copy: topic, partition } = this.place;
    const [deleted] = await this.target.deleteRecords([{ topic, partition, offset }], this.call);
    const errorCode = deleted?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
    if (errorCode !== ERROR.NONE) throw new Error(`the start of ${topic}-${partition}: ${errorName(errorCode)}`);
  }

  private async lastOriginEpoch(end: number): Promise<number> {
    const { target } = this;
    const { copy, partition } = this.place;
    const leader = await target.leaderOf(copy, partition, this.call);
    if (!(await target.supports(leader, MIRROR_FEATURE, this.call))) {
      throw new Error(`the broker of ${copy}-${partition} does not take mirror appends (no ${MIRROR_FEATURE})`);
    }
    const topicId = (await target.metadata([copy], this.call)).topics.get(copy)?.id;
    const asked = { partition, fetchOffset: end, partitionMaxBytes: 0, originEpochsFrom: 0 };
    const topics = [{ topic: copy, topicId: topicId!, partitions: [asked] }];
    const answer = await target.send(Fetch, { maxWaitMs: 0, minBytes: 0, maxBytes: 1, topics }, leader, this.call);
    const found = answer.responses[0]?.partitions[0];
    const errorCode = found?.errorCode ?? answer.errorCode;
    if (found === undefined || errorCode !== ERROR.NONE) {
      await target.metadata([copy], { ...this.call, maxAgeMs: 0 });
      throw new Error(`the epochs of ${copy}-${partition}: ${errorName(errorCode)}`);
    }
    return found.originEpochs.findLast((entry) => entry.startOffset < end)?.epoch ?? -1;
  }
}

/** What these codes mean here: the copy is somebody else's, or it is not a copy at all. */
const KINDS: Readonly<Record<number, 'foreign' | 'too-large' | 'denied'>> = {
  [ERROR.INCONSISTENT_TOPIC_ID]: 'foreign',
  [ERROR.POLICY_VIOLATION]: 'foreign',
  [ERROR.MESSAGE_TOO_LARGE]: 'too-large',
  [ERROR.RECORD_LIST_TOO_LARGE]: 'too-large',
  [ERROR.TOPIC_AUTHORIZATION_FAILED]: 'denied',
  [ERROR.CLUSTER_AUTHORIZATION_FAILED]: 'denied',
};

function refusalOf(
  expectedEnd: number,
  result: { errorCode: number; errorMessage: string | null; logEnd: number },
): AppendOutcome {
  const { errorCode, errorMessage, logEnd } = result;
  if (errorCode === ERROR.OFFSET_OUT_OF_RANGE) {
    return { kind: 'mismatch', reason: `the copy ends at ${logEnd}, not at ${expectedEnd}` };
  }
  const told = errorMessage === null ? errorName(errorCode) : `${errorName(errorCode)}, ${errorMessage}`;
  return { kind: KINDS[errorCode] ?? 'other', reason: `append: ${told}` };
}
