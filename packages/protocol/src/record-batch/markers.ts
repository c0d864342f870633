/**
 * The control batch that ends a transaction as aborted, as a coordinator writes it. For copies whose origin will never send
 * the end of a transaction: the broker at a promotion, the mirror behind a lost range.
 */
import { writeBatch } from './write.ts';

/** Kafka's `ControlRecordType`: version 0, ABORT. */
const ABORT_KEY = Uint8Array.of(0, 0, 0, 0);
const VALUE_BYTES = 6;
const COORDINATOR_EPOCH_AT = 2;

export interface AbortMarker {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  /** Of the coordinator that ended the producer's last transaction; −1: none has. */
  readonly coordinatorEpoch: number;
  readonly timestamp: number;
}

export function abortMarker({ timestamp, coordinatorEpoch, ...batch }: AbortMarker): Uint8Array {
  const value = new Uint8Array(VALUE_BYTES);
  new DataView(value.buffer).setInt32(COORDINATOR_EPOCH_AT, Math.max(0, coordinatorEpoch));
  const records = [{ timestamp, key: ABORT_KEY, value }];
  return writeBatch({ records, ...batch, transactional: true, control: true });
}
