/**
 * One node's time as the active controller: takes commands, decides them against an image that runs ahead, proposes their
 * records to the quorum, and answers when what it said is committed and applied. Made when the node leads an epoch and has
 * applied all that lies before it, dropped when it leads no more.
 *
 *   waiting ──decide──▶ ahead image + proposal ──committed, applied, followed──▶ answer
 *      └───────────── not-controller ◀───────────┘ leadership lost
 *
 * Invariant: commands are decided one after another, each seeing the records of all before it, committed or not; they are
 * answered in that order and only once all of those are committed. So even a refusal never rests on what another leader
 * may undo. The records of one command stand in one batch: they are done together or not at all.
 */
import type { Timers } from '@meridian/io';
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  type MetadataRecordInput,
} from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import type { QuorumNode } from '../quorum/quorum-node.ts';
import { applyBatch } from './apply.ts';
import type { Command, ResultOf } from './commands.ts';
import { decide } from './decide/decide.ts';
import type { DecideContext } from './decide/decision.ts';
import { CONTROLLER_LIMITS } from './limits.ts';
import type { MutableImage } from './mutable-image.ts';

interface Waiting {
  readonly command: Command;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Decided, with what is to be answered once everything below `end` has been applied. */
interface Decided {
  readonly end: number;
  readonly answers: readonly { readonly waiting: Waiting; readonly result: unknown }[];
}

/** Records of one or more commands that become one batch. */
interface Batch {
  readonly values: Buffer[];
  bytes: number;
}

export interface ActiveControllerOptions {
  readonly timers: Pick<Timers, 'defer'>;
  readonly quorum: Pick<QuorumNode, 'propose' | 'endOffset'>;
  readonly epoch: number;
  /** A copy of what has been applied; it runs ahead from here on. */
  readonly ahead: MutableImage;
  readonly context: DecideContext;
  /** A decision has thrown: a bug, after which nothing can be decided any more. */
  readonly onFailure: (error: BrokerError) => void;
}

export class ActiveController {
  readonly epoch: number;
  readonly #options: ActiveControllerOptions;
  readonly #ahead: MutableImage;
  #waiting: Waiting[] = [];
  #decided: Decided[] = [];
  #isScheduled = false;
  #appliedEnd: number;
  /** Behind the newest proposal. */
  #proposedEnd: number;
  /** Why nothing is taken any more. */
  #refusal: BrokerError | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: ActiveControllerOptions) {
    this.#options = options;
    this.epoch = options.epoch;
    this.#ahead = options.ahead;
    this.#proposedEnd = this.#appliedEnd = options.ahead.endOffset;
  }

  /** Says what the epoch has to say before any command. */
  begin(first: readonly MetadataRecordInput[]): void {
    this.#try([], () => this.#propose(this.#applied(first, { values: [], bytes: 0 })));
  }

  submit<C extends Command>(command: C): Promise<ResultOf<C>> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal ?? this.#overload();
      if (refusal !== undefined) return reject(refusal);
      // The one cast between kinds: `decide` answers each command with its own result.
      this.#waiting.push({ command, resolve: resolve as (result: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Everything below `end` is committed, applied and followed: whoever waited for it is answered. */
  applied(end: number): void {
    this.#appliedEnd = end;
    while (this.#decided.length > 0 && this.#decided[0]!.end <= end) {
      for (const { waiting, result } of this.#decided.shift()!.answers) waiting.resolve(result);
    }
    if (this.#waiting.length > 0) this.#schedule();
    else if (this.#decided.length === 0) this.#onIdle?.();
  }

  /** No more is taken; what was decided may or may not come to be, and whoever waits is told so. */
  end(reason: BrokerError): void {
    this.#refusal = reason;
    const left = [...this.#decided.flatMap(({ answers }) => answers.map(({ waiting }) => waiting)), ...this.#waiting];
    this.#decided = [];
    this.#waiting = [];
    for (const { reject } of left) reject(reason);
    this.#onIdle?.();
  }

  /** Takes no more, and resolves when all that was taken has been answered. */
  drain(reason: BrokerError): Promise<void> {
    this.#refusal ??= reason;
    if (this.#waiting.length === 0 && this.#decided.length === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#onIdle = resolve));
  }

  #overload(): BrokerError | undefined {
    const waiting = this.#waiting.length;
    if (waiting < CONTROLLER_LIMITS.waitingCommands) return undefined;
    return new BrokerError('controller-overloaded', `${waiting} commands wait`);
  }

  /** What comes in one turn of the event loop, or while many groups are on their way, is decided together. */
  #schedule(): void {
    if (this.#isScheduled || this.#decided.length >= CONTROLLER_LIMITS.groupsInFlight) return;
    this.#isScheduled = true;
    this.#options.timers.defer(() => {
      this.#isScheduled = false;
      this.#decideGroup();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #decideGroup(): void {
    if (this.#waiting.length === 0) return;
    const group = this.#waiting.splice(0, CONTROLLER_LIMITS.commandsPerCommit);
    // Records of the quorum itself may have come between.
    this.#ahead.endOffset = Math.max(this.#ahead.endOffset, this.#options.quorum.endOffset);
    this.#try(group, () => {
      const answers: { waiting: Waiting; result: unknown }[] = [];
      let batch: Batch = { values: [], bytes: 0 };
      for (const waiting of group) {
        const { records, result } = decide(this.#ahead, waiting.command, this.#options.context);
        batch = this.#join(batch, records);
        answers.push({ waiting, result });
      }
      this.#propose(batch);
      this.#decided.push({ end: this.#proposedEnd, answers });
    });
    // Where nothing was written, nothing has to be waited for.
    this.applied(this.#appliedEnd);
  }

  /** The records join the batch if there is room, else it is proposed, and they begin the next. */
  #join(batch: Batch, records: readonly MetadataRecordInput[]): Batch {
    if (records.length === 0) return batch;
    const next = this.#applied(records, { values: [], bytes: 0 });
    if (!hasRoom(batch, next)) {
      this.#propose(batch);
      return next;
    }
    for (const value of next.values) batch.values.push(value);
    batch.bytes += next.bytes;
    return batch;
  }

  /** Moves the image ahead. Applied is what is written, decoded again: a replay cannot see anything else. */
  #applied(records: readonly MetadataRecordInput[], batch: Batch): Batch {
    const complete: MetadataRecord[] = [];
    for (const record of records) {
      const value = encodeMetadataRecord(record);
      batch.values.push(value);
      batch.bytes += value.length;
      complete.push(decodeMetadataRecord(value));
    }
    applyBatch(this.#ahead, complete, this.#ahead.endOffset + complete.length);
    return batch;
  }

  #propose({ values }: Batch): void {
    if (values.length === 0) return;
    const end = this.#options.quorum.propose(this.epoch, values);
    if (end === undefined) throw new BrokerError('not-controller', `epoch ${this.epoch} is over`);
    this.#proposedEnd = end;
  }

  /** What is thrown ends this: the lead is lost, or a decision has a bug and the image ahead is worth nothing. */
  #try(group: readonly Waiting[], run: () => void): void {
    try {
      run();
    } catch (error) {
      const reason = failureOf(error);
      for (const { reject } of group) reject(reason);
      this.end(reason);
      if (reason.code !== 'not-controller') this.#options.onFailure(reason);
    }
  }
}

function failureOf(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new BrokerError('metadata-log-failed', detail, { cause: error });
}

function hasRoom(batch: Batch, next: Batch): boolean {
  return (
    batch.values.length + next.values.length <= CONTROLLER_LIMITS.recordsPerSharedBatch &&
    batch.bytes + next.bytes <= CONTROLLER_LIMITS.metadataBatchBytes
  );
}
