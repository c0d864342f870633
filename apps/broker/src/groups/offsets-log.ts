/**
 * Writes to one partition of `__consumer_offsets`: every decision is one batch, and whoever waits is told when it is
 * committed. Used by `group-shard.ts`.
 * Invariant: `onSettled` is called exactly once for every append, never from inside it, and in the order of the appends.
 */
import type { Io } from '@meridian/io';
import { compress, ERROR, nativeCrc32c } from '@meridian/protocol';
import { type Codec, type NewRecord, writeBatch } from '@meridian/protocol/record-batch';
import type { Partition } from '../partition/partition.ts';
import { ProducePart } from '../partition/produce-part.ts';

const ALL_REPLICAS = -1;
/** The batches are our own, so unpacking them is not bounded once more. */
const TRUSTED = { validation: 'header', version: 13, isPeer: false } as const;
const NO_BUDGET = Number.MAX_SAFE_INTEGER;

export type OnSettled = (errorCode: number) => void;

export class OffsetsLog {
  readonly #partition: Partition;
  readonly #io: Pick<Io, 'clock' | 'timers'>;
  readonly #timeoutMs: number;
  readonly #codec: Codec;
  #appended = 0;
  #settled = 0;
  #waiting: { readonly appended: number; readonly run: () => void }[] = [];

  constructor(
    partition: Partition,
    io: Pick<Io, 'clock' | 'timers'>,
    { timeoutMs, codec }: { readonly timeoutMs: number; readonly codec: Codec },
  ) {
    this.#partition = partition;
    this.#io = io;
    this.#timeoutMs = timeoutMs;
    this.#codec = codec;
  }

  /** Appends the records as one batch. False if the log does not take them; `onSettled` then hears why. */
  append(records: readonly NewRecord[], onSettled: OnSettled): boolean {
    let isInside = true;
    let refused: number | undefined;
    const part = new ProducePart(this.#partition.index, ALL_REPLICAS, this.#deadlineMs(), {
      partSettled: () => {
        if (isInside) refused = part.errorCode;
        else this.#settle(part.errorCode, onSettled);
      },
    });
    this.#appended++;
    const bytes = writeBatch({ records, crc: nativeCrc32c, codec: this.#codec, compress });
    this.#partition.produce(part, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
      ...TRUSTED,
      budget: { left: NO_BUDGET, recordsLeft: NO_BUDGET },
    });
    isInside = false;
    if (refused === undefined) return true;
    const errorCode = refused;
    this.#io.timers.defer(() => this.#settle(errorCode, onSettled));
    return errorCode === ERROR.NONE;
  }

  /** Runs when everything appended so far has settled; at once if that is so. */
  whenSettled(run: () => void): void {
    if (this.#settled === this.#appended) run();
    else this.#waiting.push({ appended: this.#appended, run });
  }

  /**
   * Says when everything that the log holds now is committed: what was appended here, what timed out, and what the leader
   * before us left. An error code if it is not in time, or if this broker does not lead any more.
   */
  whenCommitted(run: OnSettled): void {
    const part = new ProducePart(this.#partition.index, ALL_REPLICAS, this.#deadlineMs(), {
      partSettled: () => this.whenSettled(() => run(coordinatorError(part.errorCode))),
    });
    part.end = this.#partition.log.endOffset;
    this.#partition.awaitCommitted(part);
  }

  #deadlineMs(): number {
    return this.#io.clock.monotonic() + this.#timeoutMs;
  }

  #settle(errorCode: number, onSettled: OnSettled): void {
    this.#settled++;
    onSettled(coordinatorError(errorCode));
    const due = this.#waiting.filter(({ appended }) => appended <= this.#settled);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter(({ appended }) => appended > this.#settled);
    for (const { run } of due) run();
  }
}

/** What a partition says of a write, in words that tell the clients of a coordinator what to do. */
export function coordinatorError(errorCode: number): number {
  switch (errorCode) {
    case ERROR.UNKNOWN_TOPIC_OR_PARTITION:
    case ERROR.NOT_ENOUGH_REPLICAS:
    case ERROR.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case ERROR.REQUEST_TIMED_OUT:
      return ERROR.COORDINATOR_NOT_AVAILABLE;
    case ERROR.NOT_LEADER_OR_FOLLOWER:
    case ERROR.KAFKA_STORAGE_ERROR:
      return ERROR.NOT_COORDINATOR;
    case ERROR.MESSAGE_TOO_LARGE:
    case ERROR.RECORD_LIST_TOO_LARGE:
      return ERROR.UNKNOWN_SERVER_ERROR;
    default:
      return errorCode;
  }
}
