/**
 * The long polls to one leader, for all partitions of a fetcher that it leads. Usually one request is out. A partition
 * that joins or resumes meanwhile does not wait for it: it goes into a second one, held for a shorter time.
 *
 *   main out, long    a second one serves late-comers, again and again
 *   main comes back while a second one is out: its next poll is a short one
 *   main out, short   what the second one brought back waits for main, and goes along with it from then on
 *
 * The main one goes on from request to request in a fetch session; the second one and probes stand by themselves. Over a
 * long way the main one is several requests behind each other (`flight.ts`), where the leader reads on by itself.
 * Invariant: a partition is in one request at a time, or in some of one line in a row.
 */
import type { Io } from '@meridian/io';
import { ERROR, errorName, Fetch, type ResponseOf, ZERO_UUID } from '@meridian/protocol';
import type { NodePool, Purpose } from '../connection/node-pool.ts';
import { ClientError } from '../errors.ts';
import type { ClientLimits } from '../limits.ts';
import type { MetadataCache } from '../metadata-cache.ts';
import type { FetchPartition, PartitionAnswer } from './fetch-partition.ts';
import { FetchSession, isSessionError, sessionless } from './fetch-session.ts';
import { FetchSize, isFull, type SizeBudget } from './fetch-size.ts';
import type { FetcherOptions } from './fetch-types.ts';
import { BY_ID, type Flight, FlightLine, type Tally, type Terms, tallyOf } from './flight.ts';
import { RoundTrip } from './round-trip.ts';
import type { WireCodec } from './wire-codec.ts';

type Answer = ResponseOf<typeof Fetch>;

export interface PollContext {
  readonly io: Pick<Io, 'clock'>;
  readonly limits: ClientLimits;
  readonly pool: NodePool;
  readonly metadata: MetadataCache;
  readonly options: Required<Omit<FetcherOptions, 'adaptive' | 'memory' | 'compression'>>;
  /** Undefined: answers have one size. */
  readonly adaptive: FetcherOptions['adaptive'];
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
  line: FlightLine | undefined;
}

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
  /** Behind what is under way on it, others may be sent. */
  private ahead: FlightLine | undefined;
  /** The session's last answer was. */
  private isFull = false;

  constructor(context: PollContext, nodeId: number, fetcherId: number) {
    this.context = context;
    this.nodeId = nodeId;
    this.main = { purpose: `fetch:${fetcherId}:main`, isBusy: false, isShort: false, line: undefined };
    this.second = { purpose: `fetch:${fetcherId}:second`, isBusy: false, isShort: true, line: undefined };
    const { io, limits, pool, options, adaptive, sizeBudget } = context;
    const { maxBytes: least, partitionMaxBytes: partitionLeast } = options;
    const { maxBytes: most = least, maxAheadBytes: mostAhead = most } = adaptive ?? {};
    const bounds = { least, partitionLeast, most, mostAhead };
    this.size = new FetchSize(bounds, sizeBudget, limits);
    this.roundTrip = new RoundTrip(io, limits, () => pool.connect(nodeId, 'control'));
  }

  /** The leader's id, if records of it come as they lie though they are wanted compressed. */
  get plainLeader(): readonly number[] {
    return this.main.line?.isPlain === true && this.partitions.size > 0 ? [this.nodeId] : [];
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
    if (this.partitions.size === 0) this.size.close(); // others may have more under way
    if (this.isClosed || this.context.isPaused()) return;
    this.pollAhead();
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
    // Measured while nobody is busy yet, if there is such a moment.
    if (this.isAdaptive && this.roundTrip.ms === undefined) this.roundTrip.refresh();
    lane.isBusy = true;
    lane.isShort = !isProbe && (lane === this.second || this.second.isBusy);
    const generations = this.begin(partitions);
    const session = lane === this.main && !isProbe ? this.session : undefined;
    let line: FlightLine;
    try {
      line = await this.lineTo(lane, partitions);
    } catch (error) {
      this.end(lane, partitions);
      if (!this.isClosed) this.lose(partitions, (error as Error).message);
      return this.wake();
    }
    const asked = this.size.ask(line.readsOn && this.session.isGiven);
    const naming =
      session?.next(partitions, asked.partitionBytes, line.version >= BY_ID) ??
      sessionless(partitions, asked.partitionBytes);
    this.send(lane, line, { partitions, generations, asked, session, naming, isProbe });
    this.ahead = session !== undefined && asked.isAhead && this.isAdaptive ? line : this.ahead;
    if (this.ahead === line) this.wake(); // others may follow at once
  }

  /** Over a long way, as long as answers are full: a leader that reads on is asked before it has answered. */
  private pollAhead(): void {
    const { ahead, session } = this;
    if (ahead === undefined || ahead.isBroken || !session.isOpen || !this.isFull) return;
    const most = this.size.aheadFor(this.partitions.size, this.context.adaptive?.waitingBytes?.());
    while (ahead.length > 0 && ahead.length < most) {
      const partitions = [...this.partitions].filter((partition) => this.mayReadOn(partition));
      if (partitions.length === 0) return;
      const generations = this.begin(partitions);
      const asked = this.size.ask(true);
      const naming = session.nextOn(partitions, asked.partitionBytes);
      this.send(this.main, ahead, { partitions, generations, asked, session, naming, isProbe: false });
    }
  }

  /** Whether its leader knows where it goes on, or can be told. */
  private mayReadOn(partition: FetchPartition): boolean {
    if (!partition.mayReadOn) return false;
    return partition.flights === 0 ? partition.topicId !== ZERO_UUID : this.session.canReadOn(partition);
  }

  private async lineTo(lane: Lane, partitions: readonly FetchPartition[]): Promise<FlightLine> {
    const connection = await this.context.pool.connect(this.nodeId, lane.purpose);
    const best = connection.versionFor(Fetch);
    const version = partitions.some(({ topicId }) => topicId === ZERO_UUID) ? Math.min(best, BY_ID - 1) : best;
    lane.line = new FlightLine(this.context, connection, version);
    return lane.line;
  }

  private send(lane: Lane, line: FlightLine, flight: Omit<Flight, 'askedAtMs'>): void {
    const sent = { ...flight, askedAtMs: this.context.io.clock.monotonic() };
    const terms = this.termsOf(lane, flight.isProbe);
    void line.send(sent, terms, (answer, error) => this.land(lane, line, sent, answer, error));
  }

  /** What was asked for is there, or never will be. */
  private land(lane: Lane, line: FlightLine, flight: Flight, answer: Answer | undefined, error: unknown): void {
    const { partitions } = flight;
    this.end(lane, partitions);
    if (this.isClosed) return;
    if (!line.isBroken) {
      // Whom it concerns was told when it broke; the others are asked for again.
      line.isBroken = answer === undefined || answer.errorCode !== ERROR.NONE;
      if (answer === undefined) this.fail(flight, error);
      else if (line.isBroken) this.refused(partitions, answer.errorCode);
      else this.distribute(flight, answer);
    }
    this.wake();
  }

  private fail({ partitions, session }: Flight, error: unknown): void {
    if (error instanceof ClientError && error.code === 'timeout') this.context.pool.avoid(this.nodeId);
    session?.reset();
    this.isFull = false;
    this.lose(partitions, (error as Error).message);
  }

  private begin(partitions: readonly FetchPartition[]): number[] {
    for (const partition of partitions) partition.flights++;
    return partitions.map(({ generation }) => generation);
  }

  private end(lane: Lane, partitions: readonly FetchPartition[]): void {
    for (const partition of partitions) {
      partition.flights--;
      if (partition.flights === 0 && !this.partitions.has(partition)) partition.wake(partition); // its next leader waits
    }
    if ((lane.line?.length ?? 0) === 0) lane.isBusy = lane.isShort = false;
  }

  /** A session that the leader has given up is begun anew at once. */
  private refused(partitions: readonly FetchPartition[], errorCode: number): void {
    this.session.reset();
    if (!isSessionError(errorCode)) this.lose(partitions, errorName(errorCode));
  }

  private termsOf(lane: Lane, isProbe: boolean): Terms {
    const { minBytes, maxWaitMs, isolation } = this.context.options;
    const isolationLevel = isolation === 'read_committed' ? 1 : 0;
    if (isProbe) return { maxWaitMs: 0, minBytes: 0, isolationLevel };
    const shortMs = Math.min(this.context.limits.fetchSecondLaneWaitMs, maxWaitMs);
    return { maxWaitMs: lane.isShort ? shortMs : maxWaitMs, minBytes, isolationLevel };
  }

  private distribute(flight: Flight, answer: Answer): void {
    const { partitions, generations, session, naming } = flight;
    const isIncremental = session?.take(answer, naming) === true;
    const tally = tallyOf(answer);
    const { answers } = tally;
    this.count(flight, tally);
    const patience = tally.bytes === 0 ? 0 : Math.min(partitions.length, this.context.limits.fetchPatience);
    const alone = partitions.length === 1 && naming.readsOn !== true;
    const underWayBytes = flight.asked.isAhead ? this.size.bytes : 0;
    const terms = { readsCommitted: this.readsCommitted, alone, patience, underWayBytes };
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
      const aftermath = partition.take(found, terms);
      if (aftermath === 'lost') lost.push(partition);
      else if (aftermath === 'data') this.toTheBack(partition);
    }
    if (lost.length > 0) this.lose(lost, '');
  }

  private count({ asked, session, isProbe, askedAtMs }: Flight, tally: Tally): void {
    const { traffic, io } = this.context;
    traffic.wireBytes += tally.wireBytes;
    traffic.recordBytes += tally.bytes;
    const facts = { ...tally, asked };
    if (session !== undefined) this.isFull = isFull(facts);
    if (!this.isAdaptive || isProbe) return;
    if (isFull(facts)) this.roundTrip.refresh();
    this.size.answered({ ...facts, elapsedMs: io.clock.monotonic() - askedAtMs, rttMs: this.roundTrip.ms });
  }

  private get isAdaptive(): boolean {
    return this.context.adaptive !== undefined;
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
