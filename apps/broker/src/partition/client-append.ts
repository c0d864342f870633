/**
 * One batch of a client on its way into a leader's log: checked, stamped, known or new. Called by the partition for every
 * produce that is not the mirror's. Invariant: whatever is refused throws before the log has changed.
 */
import type { Log } from '@meridian/log';
import { ERROR } from '@meridian/protocol';
import { stampBaseOffset } from '@meridian/protocol/record-batch';
import type { ProducePart } from './produce-part.ts';
import type { TopicSettings } from './topic-settings.ts';
import { checkClientBatch, type UnpackBudget, type Validation } from './validation/batch-checks.ts';
import { ProduceRefusal } from './validation/produce-refusal.ts';

export interface ProduceOptions {
  readonly validation: Validation;
  readonly version: number;
  readonly budget: UnpackBudget;
  /** Came by the internal listener: the answer tells more. */
  readonly isPeer: boolean;
}

export interface ClientAppend {
  readonly log: Log;
  readonly leaderEpoch: number;
  readonly settings: TopicSettings;
  readonly nowMs: number;
  readonly maxDecompressedBytes: number;
  /** Whom refusals name. */
  readonly partition: { readonly topic: string; readonly index: number };
}

/** Fills in what `part` will be answered with; throws `ProduceRefusal`, `IoError` or `LogError`. */
export function appendClientBatch(
  part: ProducePart,
  only: Buffer,
  options: ProduceOptions,
  append: ClientAppend,
): void {
  const { log, leaderEpoch, settings, nowMs } = append;
  const { validation, budget, isPeer } = options;
  const { maxDecompressedBytes, partition } = append;
  const given = { validation, nowMs, maxDecompressedBytes, budget, partition };
  const { batch, header } = checkClientBatch(only, settings, given);
  part.logAppendTimeMs = settings.logAppendTime ? nowMs : -1;
  const sequence = log.producers.check(header);
  if (sequence.kind === 'error') throw new ProduceRefusal(sequence.errorCode, sequence.detail);
  if (sequence.kind === 'duplicate') {
    part.baseOffset = sequence.firstOffset;
    part.end = sequence.lastOffset + 1;
    part.logAppendTimeMs = sequence.timestamp; // whatever the timestamp type, as in Apache Kafka
    if (isPeer) {
      part.storedEpoch = log.epochs.epochAt(sequence.firstOffset);
      part.duplicate = true;
    }
    return;
  }
  part.baseOffset = log.endOffset;
  if (isPeer) part.storedEpoch = leaderEpoch;
  stampBaseOffset(batch, 0, part.baseOffset);
  log.append([batch], leaderEpoch);
  part.end = log.endOffset;
}

/** What is wrong with the request itself, before all that the topic has a say in. */
export function checkAcks(acks: number): void {
  if (acks < -1 || acks > 1) throw new ProduceRefusal(ERROR.INVALID_REQUIRED_ACKS, 'No such acks.');
}
