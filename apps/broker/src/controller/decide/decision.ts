/**
 * What a decision is: a pure function from the image, a command and what the context hands in to records and an
 * answer. Nothing is changed by deciding; the records change things when they are applied.
 */
import { ERROR, type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import type { Outcome } from '../commands.ts';
import type { BrokerConfigSources } from '../configs/effective.ts';
import type { MetadataImage } from '../image.ts';

export interface Decision<Result> {
  /** Written as one batch or not at all. */
  readonly records: readonly MetadataRecordInput[];
  readonly result: Result;
}

/** What decisions need besides the image; fixed for the life of the process, but for the two sources of chance. */
export interface DecideContext {
  readonly regionId: number;
  readonly regions: readonly string[];
  readonly nodeId: number;
  readonly defaultPartitions: number;
  readonly defaultReplicationFactor: number;
  readonly staticConfigs: ReadonlyMap<string, string>;
  /** A random uuid (text). */
  newUuid(): string;
  /** Uniform in [0, 1): spreads replicas. */
  random(): number;
  /** What the active controller alone knows of brokers; none where nobody is asked for heartbeats. */
  readonly sessions?: SessionsView;
  /** Node ids of those who vote on the metadata; not asked for where nobody else does. */
  voterIds?(): readonly number[];
}

/** What is known of brokers by their heartbeats and stands in no record (`duties/`). */
export interface SessionsView {
  /** Whether the broker has been heard of, under this epoch, within `broker.session.timeout.ms`. */
  isLive(brokerId: number, brokerEpoch: number): boolean;
  /** Offset of the last metadata record that the broker has told it had applied, under this epoch; −1: none yet. */
  metadataOffset(brokerId: number, brokerEpoch: number): number;
  /**
   * Of a broker in controlled shutdown: once all active brokers have applied this record, none believes any more that it
   * leads; undefined: it has not asked yet since it is in it.
   */
  shutdownOffset(brokerId: number, brokerEpoch: number): number | undefined;
}

export function configSources(image: MetadataImage, context: DecideContext): BrokerConfigSources {
  return { image, nodeId: context.nodeId, staticConfigs: context.staticConfigs };
}

/** A refusal while one topic or resource of a command is decided; caught by that command's loop, never beyond. */
export class Refusal extends Error {
  readonly errorCode: number;
  constructor(errorCode: number, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}

/** Runs `decide`; a refusal becomes a value. */
export function orRefusal<T>(decide: () => T): T | Refusal {
  try {
    return decide();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

export function outcome(name: string | null, topicId: string, refusal?: Refusal): Outcome {
  return {
    name,
    topicId,
    errorCode: refusal?.errorCode ?? ERROR.NONE,
    errorMessage: refusal?.message ?? null,
  };
}

export function refused(name: string | null, errorCode: number, message: string, topicId = ZERO_UUID): Outcome {
  return outcome(name, topicId, new Refusal(errorCode, message));
}

/** Values that occur more than once. */
export function duplicatesIn<T>(values: Iterable<T>): Set<T> {
  const seen = new Set<T>();
  const twice = new Set<T>();
  for (const value of values) {
    if (seen.has(value)) twice.add(value);
    seen.add(value);
  }
  return twice;
}
