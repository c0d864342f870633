/**
 * What a log remembers of idempotent producers: epoch and the last five batches of each. A leader asks `check` before
 * it appends; `update` notes every batch that entered the log, also on copies and in recovery.
 *
 *   same epoch, one of the last five batches            → duplicate, answered with its first offset
 *   same epoch, next sequence (0 follows 2^31 − 1)      → ok
 *   same epoch, anything else                           → 45 OUT_OF_ORDER_SEQUENCE_NUMBER
 *   larger epoch, sequence 0                            → ok;  any other sequence → 45
 *   smaller epoch                                       → 47 INVALID_PRODUCER_EPOCH
 *   producer not known                                  → ok (its state may have expired, as in Kafka since 2.5)
 */
import type { BatchHeader } from '@meridian/protocol/record-batch';
import { PRODUCER_WINDOW } from './limits.ts';
import type { ActiveProducer, ProducerState, SequenceCheck } from './log-interface.ts';

const MAX_SEQUENCE = 2 ** 31 - 1;
const OK: SequenceCheck = { kind: 'ok' };

interface SeenBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

interface ProducerEntry {
  epoch: number;
  /** Oldest first; empty after a control batch opened a new epoch. */
  batches: SeenBatch[];
  lastOffset: number;
  lastTimestamp: number;
}

export class ProducerTable implements ProducerState {
  /** Silent for longest first. */
  private readonly entries = new Map<number, ProducerEntry>();
  private readonly maxProducers: number;
  private latest = -1;
  constructor(maxProducers: number) {
    this.maxProducers = maxProducers;
  }

  get size(): number {
    return this.entries.size;
  }

  check(header: BatchHeader): SequenceCheck {
    if (header.producerId < 0) return OK;
    const entry = this.entries.get(header.producerId);
    if (entry === undefined) return OK;
    if (header.producerEpoch < entry.epoch) {
      return refuse(47, header, `epoch ${header.producerEpoch} is older than ${entry.epoch}`);
    }
    if (header.isControl) return OK;
    if (header.producerEpoch > entry.epoch) {
      return header.baseSequence === 0 ? OK : refuse(45, header, 'a new epoch begins with sequence 0');
    }
    return checkSequence(entry, header);
  }

  *active(): Iterable<ActiveProducer> {
    for (const [producerId, { epoch, batches, lastTimestamp }] of this.entries) {
      const last = batches.at(-1);
      const lastSequence = last?.lastSequence ?? -1;
      const lastDataOffset = last?.lastOffset ?? -1;
      yield { producerId, producerEpoch: epoch, lastSequence, lastDataOffset, lastTimestamp };
    }
  }

  /** Notes a batch that is in the log. */
  update(header: BatchHeader): void {
    const id = header.producerId;
    if (id < 0) return;
    const entry = this.touch(id, header.producerEpoch);
    if (header.producerEpoch > entry.epoch) {
      entry.epoch = header.producerEpoch;
      entry.batches = [];
    }
    entry.lastOffset = header.lastOffset;
    entry.lastTimestamp = header.maxTimestamp;
    if (header.isControl || header.baseSequence < 0) return;
    if (entry.batches.length === PRODUCER_WINDOW) entry.batches.shift();
    entry.batches.push({
      firstSequence: header.baseSequence,
      lastSequence: addToSequence(header.baseSequence, header.lastOffsetDelta),
      firstOffset: header.baseOffset,
      lastOffset: header.lastOffset,
      timestamp: header.hasLogAppendTime ? header.maxTimestamp : -1,
    });
  }

  clear(): void {
    this.entries.clear();
    this.latest = -1;
  }

  /** The entry of a producer, moved to the end; a new one may push out the one that was silent for longest. */
  private touch(id: number, epoch: number): ProducerEntry {
    let entry = this.entries.get(id);
    if (entry !== undefined && id === this.latest) return entry;
    if (entry !== undefined) this.entries.delete(id);
    else entry = { epoch, batches: [], lastOffset: -1, lastTimestamp: -1 };
    this.entries.set(id, entry);
    this.latest = id;
    if (this.entries.size > this.maxProducers) this.entries.delete(this.entries.keys().next().value!);
    return entry;
  }
}

function checkSequence(entry: ProducerEntry, header: BatchHeader): SequenceCheck {
  const lastSequence = addToSequence(header.baseSequence, header.lastOffsetDelta);
  for (const seen of entry.batches) {
    if (seen.firstSequence === header.baseSequence && seen.lastSequence === lastSequence) {
      return {
        kind: 'duplicate',
        firstOffset: seen.firstOffset,
        lastOffset: seen.lastOffset,
        timestamp: seen.timestamp,
      };
    }
  }
  const last = entry.batches.at(-1)?.lastSequence;
  const expected = last === undefined ? 0 : addToSequence(last, 1);
  if (header.baseSequence === expected) return OK;
  return refuse(45, header, `sequence ${header.baseSequence} where ${expected} is next`);
}

/** Sequences run from 0 to 2^31 − 1 and then from 0 again. */
function addToSequence(sequence: number, increment: number): number {
  const sum = sequence + increment;
  return sum > MAX_SEQUENCE ? sum - MAX_SEQUENCE - 1 : sum;
}

function refuse(errorCode: 45 | 47, header: BatchHeader, why: string): SequenceCheck {
  return { kind: 'error', errorCode, detail: `producer ${header.producerId}, epoch ${header.producerEpoch}: ${why}` };
}
