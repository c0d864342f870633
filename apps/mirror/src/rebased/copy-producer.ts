/**
 * Writes under the fenced producer of one re-based partition: its runs ahead, and its batches behind them. Owned by the
 * partition's shell. Invariant: every effect is answered once, and an answer that is not known to be final is
 * `unanswered`, so that the same sequence comes again.
 */
import type { CallOptions, Client, ProducedResult, RecordsToDelete } from '@meridian/client';
import { encodeRunChange, RUNS_TOPIC, runsPartitionOf } from '@meridian/coordinates';
import type { Io } from '@meridian/io';
import { compress, decompress, ERROR, errorName, isRetriable, nativeCrc32c } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import type { MirrorLimits } from '../limits.ts';
import type { TaskPlace } from '../task/mirror-task.ts';
import { rebaseBatch } from './rebase-batch.ts';
import type { ProduceEffect, RebasedInput, RefusalKind, SaveEffect } from './rebased-messages.ts';

export interface CopyProducerOptions {
  readonly io: Pick<Io, 'clock'>;
  readonly client: Client;
  readonly limits: Pick<MirrorLimits, 'requestTimeoutMs'>;
  readonly place: TaskPlace;
}

/** Somebody with a later epoch has fenced us. */
const SUPERSEDED: ReadonlySet<number> = new Set<number>([ERROR.INVALID_PRODUCER_EPOCH, ERROR.PRODUCER_FENCED]);
/** The broker is not where we are: the log has to tell. */
const SEQUENCE: ReadonlySet<number> = new Set<number>([
  ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ERROR.UNKNOWN_PRODUCER_ID,
  ERROR.DUPLICATE_SEQUENCE_NUMBER,
]);
/** For the topic's `max.message.bytes`, or for a segment. */
const TOO_LARGE: ReadonlySet<number> = new Set<number>([ERROR.MESSAGE_TOO_LARGE, ERROR.RECORD_LIST_TOO_LARGE]);

export class CopyProducer {
  private readonly options: CopyProducerOptions;
  private readonly runsPartition: number;

  constructor(options: CopyProducerOptions) {
    this.options = options;
    this.runsPartition = runsPartitionOf(options.place);
  }

  async save({ id, changes, producerId, producerEpoch, baseSequence }: SaveEffect): Promise<RebasedInput> {
    const { io, place } = this.options;
    const timestamp = io.clock.now();
    const records = changes.map((change) => ({ timestamp, ...encodeRunChange(place, change) }));
    const producer = { producerId, producerEpoch, baseSequence };
    const batch = writeBatch({ records, ...producer, crc: nativeCrc32c });
    const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.length);
    const answer = await this.send(RUNS_TOPIC, this.runsPartition, [bytes], id);
    return 'type' in answer ? answer : { type: 'saved', id };
  }

  async produce(effect: ProduceEffect): Promise<RebasedInput> {
    const { copy, copyId, partition } = this.options.place;
    const { id } = effect;
    let pieces: Buffer[];
    try {
      pieces = rebaseBatch(effect.batch.bytes, effect, { compress, decompress });
    } catch (error) {
      return { type: 'refused', id, kind: 'refused', reason: `a batch of the origin: ${(error as Error).message}` };
    }
    const answer = await this.send(copy, partition, pieces, id, copyId);
    if ('type' in answer) return answer;
    if (answer.logAppendTimeMs < 0) return { type: 'produced', id, baseOffset: answer.baseOffset };
    return { type: 'halt', reason: `${copy} stamps records with its own time: set message.timestamp.type=CreateTime` };
  }

  async deleteRecords(records: RecordsToDelete, call: CallOptions): Promise<void> {
    const [deleted] = await this.options.client.deleteRecords([records], call);
    const errorCode = deleted?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
    if (errorCode !== ERROR.NONE && errorCode !== ERROR.OFFSET_OUT_OF_RANGE) throw new Error(errorName(errorCode));
  }

  private async send(
    topic: string,
    partition: number,
    batches: readonly Buffer[],
    id: number,
    topicId?: string,
  ): Promise<ProducedResult | Extract<RebasedInput, { type: 'refused' }>> {
    const { client, limits } = this.options;
    const options = { sequenced: true, timeoutMs: limits.requestTimeoutMs, ...(topicId !== undefined && { topicId }) };
    try {
      const result = await client.produce(topic, partition, batches, options);
      if (result.errorCode === ERROR.NONE) return result;
      const told = result.errorMessage === null ? '' : `, ${result.errorMessage}`;
      const reason = `append to ${topic}: ${errorName(result.errorCode)}${told}`;
      return { type: 'refused', id, kind: kindOf(result.errorCode), reason };
    } catch (error) {
      const reason = `append to ${topic}: ${(error as Error).message}`;
      return { type: 'refused', id, kind: 'unanswered', reason };
    }
  }
}

function kindOf(errorCode: number): RefusalKind {
  if (SUPERSEDED.has(errorCode)) return 'superseded';
  if (SEQUENCE.has(errorCode)) return 'sequence';
  if (TOO_LARGE.has(errorCode)) return 'too-large';
  return isRetriable(errorCode) ? 'unanswered' : 'refused';
}
