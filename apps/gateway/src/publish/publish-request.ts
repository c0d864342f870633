/**
 * A publish as the gateway handles it, whether it came as a JSON frame, a raw batch or an HTTP body.
 * Invariant: names, sizes and payloads have been checked when one of these exists; permissions have not.
 */
import type { NewRecord } from '@meridian/protocol/record-batch';
import type { Coordinates } from '@meridian/sdk/frames';
import type { GatewayError } from '../errors.ts';

export interface PublishRequest {
  readonly topic: string;
  readonly partition: number | undefined;
  /** Of the first record; makes it idempotent. */
  readonly sequence: number | undefined;
  /** Exactly one of the two. A batch belongs to the gateway, which may stamp it. */
  readonly record: NewRecord | undefined;
  readonly batch: Buffer | undefined;
  /** Records in it. */
  readonly count: number;
  readonly sizeInBytes: number;
}

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Coordinates of the first record. */
export type PublishOutcome = (Coordinates & { duplicate?: boolean }) | GatewayError;
