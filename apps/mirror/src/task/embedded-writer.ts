/**
 * The way into a copy on brokers of Meridian: appends at the origin's offsets, and what the copy's broker tells of it.
 * Owned by the shell of its partition. Invariant: an append is one attempt; what came of it is told, whatever it was.
 */
import { type CallOptions, type Client, ClientError } from '@meridian/client';
import { ERROR, errorName } from '@meridian/protocol';
import type { AppendOutcome, CopyAppend, CopyWriter, Located } from './copy-writer.ts';
import type { TaskPlace } from './mirror-task.ts';
import type { RegionQuestions } from './region-questions.ts';

export interface EmbeddedWriterOptions {
  readonly target: Client;
  readonly questions: RegionQuestions;
  readonly place: TaskPlace;
  readonly call: CallOptions;
}

export class EmbeddedWriter implements CopyWriter {
  private readonly target: Client;
  private readonly questions: RegionQuestions;
  private readonly place: TaskPlace;
  private readonly call: CallOptions;

  constructor({ target, questions, place, call }: EmbeddedWriterOptions) {
    this.target = target;
    this.questions = questions;
    this.place = place;
    this.call = call;
  }

  /** The copy's broker tells the origin epochs of what it has. */
  async locate(): Promise<Located> {
    const copy = { topic: this.place.copy, partition: this.place.partition };
    // Asked before the ends: one that leads later may have others.
    const view = (await this.target.metadata([copy.topic], this.call)).topics.get(copy.topic);
    const copyEpoch = view?.partitions[copy.partition]?.leaderEpoch ?? -1;
    const { start: copyStart, end: copyEnd } = await this.questions.range(copy, 'the copy');
    return { copyEpoch, copyStart, copyEnd, lastEpoch: await this.questions.originEpoch(copy, copyEnd) };
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
