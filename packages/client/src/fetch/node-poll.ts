/**
 * The long polls to one leader, for all partitions of a fetcher that it leads. Usually one request is out. A partition
 * that joins or resumes meanwhile does not wait for it: it goes into a second one, held for a shorter time.
 *
 *   main out, long    a second one serves late-comers, again and again
 *   main comes back while a second one is out: its next poll is a short one
 *   main out, short   what the second one brought back waits for main, and goes along with it from then on
 *
 * The main one goes on from request to request in a fetch session; the second one and probes stand by themselves.
 * Invariant: a partition is in one request at a time.
 */
import type { Io } from '@meridian/io';
import {
  ERROR,
  errorName,
  Fetch,
  MIRROR_FEATURE,
  type RequestInput,
  type ResponseOf,
  WIRE_CODEC_LEVEL,
  ZERO_UUID,
} from '@meridian/protocol';
import type { NodeConnection } from '../connection/node-connection.ts';
import type { NodePool, Purpose } from '../connection/node-pool.ts';
import { ClientError } from '../errors.ts';
import type { ClientLimits } from '../limits.ts';
import type { MetadataCache } from '../metadata-cache.ts';
import type { FetchPartition, PartitionAnswer } from './fetch-partition.ts';
import { FetchSession, isSessionError, type Naming, sessionless } from './fetch-session.ts';
import { type AnswerFacts, FetchSize, type SizeBudget } from './fetch-size.ts';
import type { FetcherOptions } from './fetch-types.ts';
import { RoundTrip } from './round-trip.ts';
import type { WireCodec } from './wire-codec.ts';

type Request = RequestInput<typeof Fetch>;
type Answer = ResponseOf<typeof Fetch>;

export interface PollContext {
  readonly io: Pick<Io, 'clock'>;
  readonly limits: ClientLimits;
  readonly pool: NodePool;
  readonly metadata: MetadataCache;
  readonly options: Required<Omit<FetcherOptions, 'adaptive' | 'memory' | 'compression'>>;
  /** 0: answers have one size. */
  readonly adaptiveBytes: number;
  readonly sizeBudget: SizeBudget;
  readonly memory: FetcherOptions['memory'];
  readonly codec: WireCodec | undefined;
  readonly traffic: { wireBytes: number; recordBytes: number };
  readonly isPaused: () => boolean;
  /** The partition's leader has to be found again. */
  onLost(partitions: readonly FetchPartition[], reason: string): void;
}

interface Lane {
  readonly purpose: Purpose;
  isBusy: boolean;
  isShort: boolean;
}

/** First version that names topics by id. */
const BY_ID = 13;

export class NodePoll {
  private readonly context: PollContext;
  private readonly nodeId: number;
  /** In the order in which they are asked for: what brought data goes to the back. */
  private readonly partitions = new Set<FetchPartition>();
  private readonly main: Lane;
  private readonly second: Lane;
  private readonly session = new FetchSession();
  private readonly size: FetchSize;
  private readonly roundTrip: RoundTrip;
  private scheduled = false;
  private isClosed = false;
  /** The leader does not understand the codec that the fetcher wants. */
  private isPlain = false;

  constructor(context: PollContext, nodeId: number, fetcherId: number) {
    this.context = context;
    this.nodeId = nodeId;
    this.main = { purpose: `fetch:${fetcherId}:main`, isBusy: false, isShort: false };
    this.second = { purpose: `fetch:${fetcherId}:second`, isBusy: false, isShort: true };
    const { io, limits, pool, options, adaptiveBytes, sizeBudget } = context;
    const bounds = { least: options.maxBytes, partitionLeast: options.partitionMaxBytes, most: adaptiveBytes };
    this.size = new FetchSize(bounds, sizeBudget, limits);
    this.roundTrip = new RoundTrip(io, limits, () => pool.connect(nodeId, 'control'));
  }

  /** The leader's id, if records of it come as they lie though they are wanted compressed. */
  get plainLeader(): readonly number[] {
    return this.isPlain && this.partitions.size > 0 ? [this.nodeId] : [];
  }

  add(partition: FetchPartition): void {
    this.partitions.add(partition);
    this.wake();
  }

  remove(partition: FetchPartition): void {
    this.partitions.delete(partition);
  }

  close(): void {
    this.isClosed = true;
    this.size.close();
    this.partitions.clear();
  }

  /** Polls at the end of the turn, together with what else becomes ready in it. */
  wake(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    void Promise.resolve().then(() => {
      this.scheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    if (this.isClosed || this.context.isPaused()) return;
    const lane = this.freeLane();
    if (lane === undefined) return;
    const ready = [...this.partitions].filter((partition) => partition.wantsFetch);
    if (ready.length === 0) return;
    const suspect = ready.find((partition) => partition.suspectedHoleEnd >= 0);
    void this.poll(lane, suspect === undefined ? ready : [suspect], suspect !== undefined);
    if (suspect !== undefined && ready.length > 1) this.wake();
  }

  private freeLane(): Lane | undefined {
    if (!this.main.isBusy) return this.main;
    return this.second.isBusy || this.main.isShort ? undefined : this.second;
  }

  private async poll(lane: Lane, partitions: readonly FetchPartition[], isProbe: boolean): Promise<void> {
    const { io, options, limits, adaptiveBytes } = this.context;
    // Measured while nobody is busy yet, if there is such a moment.
    if (adaptiveBytes > 0 && this.roundTrip.ms === undefined) this.roundTrip.refresh();
    lane.isBusy = true;
    lane.isShort = !isProbe && (lane === this.second || this.second.isBusy);
    const maxWaitMs = isProbe
      ? 0
      : lane.isShort
        ? Math.min(limits.fetchSecondLaneWaitMs, options.maxWaitMs)
        : options.maxWaitMs;
    for (const partition of partitions) partition.flights++;
    const generations = partitions.map((partition) => partition.generation);
    const session = lane === this.main && !isProbe ? this.session : undefined;
    let answer: Answer | undefined;
    let naming: Naming | undefined;
    let askedAtMs = 0;
    let reason = '';
    try {
      const connection = await this.context.pool.connect(this.nodeId, lane.purpose);
      const best = connection.versionFor(Fetch);
      const version = partitions.some(({ topicId }) => topicId === ZERO_UUID) ? Math.min(best, BY_ID - 1) : best;
      const partitionMaxBytes = this.size.partitionBytes;
      naming =
        session?.next(partitions, partitionMaxBytes, version >= BY_ID) ?? sessionless(partitions, partitionMaxBytes);
      const wireCodec = this.codecFor(connection);
      const body = { ...this.termsOf(maxWaitMs, isProbe), ...naming, wireCodec };
      const timeoutMs = maxWaitMs + limits.requestTimeoutMs;
      askedAtMs = io.clock.monotonic();
      answer = await connection.request(Fetch, version, body, { timeoutMs, memory: this.context.memory });
      if (wireCodec !== 0) answer = await this.context.codec!.unpack(answer);
    } catch (error) {
      reason = (error as Error).message;
      if (error instanceof ClientError && error.code === 'timeout') this.context.pool.avoid(this.nodeId);
    }
    lane.isBusy = lane.isShort = false;
    for (const partition of partitions) partition.flights--;
    if (this.isClosed) return;
    if (answer === undefined) session?.reset();
    if (answer === undefined) this.lose(partitions, reason);
    else if (answer.errorCode !== ERROR.NONE) this.refused(partitions, answer.errorCode);
    else this.distribute(partitions, generations, answer, session, naming, isProbe ? 0 : askedAtMs);
    this.wake();
  }

  /** 0: records come as they lie. */
  private codecFor({ features }: NodeConnection): number {
    const { codec } = this.context;
    if (codec === undefined) return 0;
    this.isPlain = (features.get(MIRROR_FEATURE) ?? 0) < WIRE_CODEC_LEVEL;
    return this.isPlain ? 0 : codec.id;
  }

  /** A session that the leader has given up is begun anew at once. */
  private refused(partitions: readonly FetchPartition[], errorCode: number): void {
    this.session.reset();
    if (!isSessionError(errorCode)) this.lose(partitions, errorName(errorCode));
  }

  private termsOf(
    maxWaitMs: number,
    isProbe: boolean,
  ): Pick<Request, 'maxWaitMs' | 'minBytes' | 'maxBytes' | 'isolationLevel'> {
    const { minBytes, isolation } = this.context.options;
    const maxBytes = this.size.bytes;
    const isolationLevel = isolation === 'read_committed' ? 1 : 0;
    return { maxWaitMs, minBytes: isProbe ? 0 : minBytes, maxBytes, isolationLevel };
  }

  private distribute(
    partitions: readonly FetchPartition[],
    generations: readonly number[],
    answer: Answer,
    session: FetchSession | undefined,
    naming: Naming | undefined,
    askedAtMs: number,
  ): void {
    const isIncremental = session?.take(answer, naming!) === true;
    const alone = partitions.length === 1;
    const { answers, wireBytes, ...tally } = tallyOf(answer);
    this.context.traffic.wireBytes += wireBytes;
    this.context.traffic.recordBytes += tally.bytes;
    if (this.context.adaptiveBytes > 0 && askedAtMs > 0) this.adapt(tally, askedAtMs);
    const patience = tally.bytes === 0 ? 0 : Math.min(partitions.length, this.context.limits.fetchPatience);
    const lost: FetchPartition[] = [];
    for (let index = 0; index < partitions.length; index++) {
      const partition = partitions[index]!;
      const named = answers.get(partition.nameKey) ?? answers.get(partition.idKey);
      if (named !== undefined) session?.remember(partition, named);
      if (partition.generation !== generations[index]) continue;
      const found = named ?? (isIncremental ? session?.quietOf(partition) : undefined);
      if (found === undefined) {
        if (!isIncremental) lost.push(partition);
        continue;
      }
      if (found.errorCode !== ERROR.NONE) this.learn(partition, found, answer);
      const aftermath = partition.take(found, this.readsCommitted, alone, patience);
      if (aftermath === 'lost') lost.push(partition);
      else if (aftermath === 'data') this.toTheBack(partition);
    }
    if (lost.length > 0) this.lose(lost, '');
  }

  private adapt(tally: Tally, askedAtMs: number): void {
    if (this.size.isFull(tally)) this.roundTrip.refresh();
    const elapsedMs = this.context.io.clock.monotonic() - askedAtMs;
    this.size.answered({ ...tally, elapsedMs, rttMs: this.roundTrip.ms });
  }

  private learn(partition: FetchPartition, { currentLeader }: PartitionAnswer, { nodeEndpoints }: Answer): void {
    partition.knowsLeader = this.context.metadata.learn(partition, this.nodeId, currentLeader, nodeEndpoints);
  }

  private get readsCommitted(): boolean {
    return this.context.options.isolation === 'read_committed';
  }

  private toTheBack(partition: FetchPartition): void {
    if (this.partitions.delete(partition)) this.partitions.add(partition);
  }

  private lose(partitions: readonly FetchPartition[], reason: string): void {
    const still = partitions.filter((partition) => this.partitions.delete(partition));
    this.context.onLost(still, reason);
  }
}

type Tally = Pick<AnswerFacts, 'bytes' | 'largestPartitionBytes' | 'activePartitions'>;

/** What an answer has of whom. */
function tallyOf({ responses }: Answer): Tally & { answers: Map<string, PartitionAnswer>; wireBytes: number } {
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
