/**
 * A fetch request under way, and the line of those that one connection has under way behind each other: a leader of ours
 * that answers a session reads on by itself, so over a long way the next requests go out before the first is answered.
 * Used by `NodePoll`.
 * Invariant: answers are taken in the order of their requests, and once one of a line has failed, none behind it is.
 */
import {
  Fetch,
  type FrameMemory,
  MIRROR_FEATURE,
  READS_ON_LEVEL,
  type RequestInput,
  type ResponseOf,
  WIRE_CODEC_LEVEL,
} from '@meridian/protocol';
import type { NodeConnection } from '../connection/node-connection.ts';
import type { ClientLimits } from '../limits.ts';
import type { FetchPartition, PartitionAnswer } from './fetch-partition.ts';
import type { FetchSession, Naming } from './fetch-session.ts';
import type { AnswerFacts, Asked } from './fetch-size.ts';
import type { WireCodec } from './wire-codec.ts';

type Answer = ResponseOf<typeof Fetch>;

/** What else a request says. */
export type Terms = Pick<RequestInput<typeof Fetch>, 'maxWaitMs' | 'minBytes' | 'isolationLevel'>;

export interface LineOptions {
  readonly limits: Pick<ClientLimits, 'requestTimeoutMs' | 'maxFetchesAhead'>;
  readonly memory: FrameMemory | undefined;
  /** Undefined: records come as they lie. */
  readonly codec: WireCodec | undefined;
}

/** First version that names topics by id. */
export const BY_ID = 13;

export class FlightLine {
  readonly version: number;
  /** Requests under way. */
  length = 0;
  isBroken = false;
  private readonly options: LineOptions;
  private readonly connection: NodeConnection;
  /** Until the answer to the last request was taken. */
  private taken: Promise<void> = Promise.resolve();

  constructor(options: LineOptions, connection: NodeConnection, version: number) {
    this.options = options;
    this.connection = connection;
    this.version = version;
  }

  /** Whether its leader can read on by itself. */
  get readsOn(): boolean {
    return this.version >= BY_ID && this.level >= READS_ON_LEVEL;
  }

  /** Whether its leader does not understand the codec that is wanted. */
  get isPlain(): boolean {
    return this.options.codec !== undefined && this.level < WIRE_CODEC_LEVEL;
  }

  private get level(): number {
    return this.connection.features.get(MIRROR_FEATURE) ?? 0;
  }

  /** `take` is called when all that was asked before has been taken; with undefined if there is no answer. */
  async send(flight: Flight, terms: Terms, take: (answer: Answer | undefined, error: unknown) => void): Promise<void> {
    this.length++;
    const before = this.taken;
    let isTaken: () => void = () => {};
    this.taken = new Promise((resolve) => {
      isTaken = resolve;
    });
    let answer: Answer | undefined;
    let failure: unknown;
    try {
      answer = await this.request(flight, terms);
    } catch (error) {
      failure = error;
    }
    if (this.length > 1) await this.holding(answer, before);
    this.length--;
    try {
      take(answer, failure);
    } finally {
      isTaken();
    }
  }

  private async request({ asked, naming }: Flight, terms: Terms): Promise<Answer> {
    const { memory, limits, codec } = this.options;
    const wireCodec = codec === undefined || this.isPlain ? 0 : codec.id;
    const body = { ...terms, maxBytes: asked.bytes, ...naming, wireCodec };
    const timeoutMs = terms.maxWaitMs + limits.requestTimeoutMs;
    const options = { timeoutMs, memory, inFlight: limits.maxFetchesAhead };
    const answer = await this.connection.request(Fetch, this.version, body, options);
    return wireCodec === 0 ? answer : codec!.unpack(answer);
  }

  /** Those before may be taken in a later turn, and the records only then. */
  private async holding(answer: Answer | undefined, before: Promise<void>): Promise<void> {
    const held = answer === undefined ? [] : recordsOf(answer);
    for (const bytes of held) this.options.memory?.hold(bytes);
    await before;
    for (const bytes of held) this.options.memory?.release(bytes);
  }
}

export interface Flight {
  readonly partitions: readonly FetchPartition[];
  /** Of the partitions, when they were asked for: who has moved since does not want the answer. */
  readonly generations: readonly number[];
  readonly asked: Asked;
  /** Undefined: the request stands by itself. */
  readonly session: FetchSession | undefined;
  readonly naming: Naming;
  readonly isProbe: boolean;
  readonly askedAtMs: number;
}

export interface Tally extends Pick<AnswerFacts, 'bytes' | 'largestPartitionBytes' | 'activePartitions'> {
  readonly wireBytes: number;
  /** By topic and partition. */
  readonly answers: ReadonlyMap<string, PartitionAnswer>;
}

/** What an answer has of whom. */
export function tallyOf({ responses }: Answer): Tally {
  const answers = new Map<string, PartitionAnswer>();
  let bytes = 0;
  let wireBytes = 0;
  let largestPartitionBytes = 0;
  let activePartitions = 0;
  for (const { topic, topicId, partitions } of responses) {
    for (const each of partitions as readonly PartitionAnswer[]) {
      answers.set(`${topic || topicId}/${each.partitionIndex}`, each);
      const size = each.records?.[0]?.length ?? 0;
      bytes += size;
      wireBytes += each.wireBytes ?? size;
      if (size > 0) activePartitions++;
      if (size > largestPartitionBytes) largestPartitionBytes = size;
    }
  }
  return { answers, bytes, wireBytes, largestPartitionBytes, activePartitions };
}

function recordsOf({ responses }: Answer): Buffer[] {
  return responses.flatMap(({ partitions }) => partitions.flatMap(({ records }) => records ?? []));
}
