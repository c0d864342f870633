/**
 * Fetch sessions of the fake broker (KIP-227): full fetches become sessions, incremental ones are completed by what is
 * known and answered with what has changed. For tests.
 * Invariant: as in Apache Kafka, a partition is named if it has records, an error, or another start or end than was told.
 */
import { ERROR, type Fetch, type RequestOf, type ResponseInput } from '@meridian/protocol';
import { batchLastOffset } from '@meridian/protocol/record-batch';

type Request = RequestOf<typeof Fetch>;
type Topic = Request['topics'][number];
type Responses = ResponseInput<typeof Fetch>['responses'];

interface FakeSession {
  readonly id: number;
  epoch: number;
  readonly parts: Map<string, FakePart>;
}

interface FakePart {
  readonly topic: Topic;
  ask: Topic['partitions'][number];
  told: string;
  /** Behind the records that were answered last; −1: there were none. */
  end: number;
}

export interface AskedFetch {
  readonly errorCode: number;
  readonly request: Request;
  readonly session: FakeSession | undefined;
  readonly isIncremental: boolean;
}

const keyOf = (topic: string, topicId: string, partition: number): string => `${topic}/${topicId}/${partition}`;

export class FakeSessions {
  private readonly sessions = new Map<number, FakeSession>();
  private nextId = 1;
  /** Requests of sessions that others have come behind, and how to answer those that wait. */
  private readonly followed = new Set<string>();
  private readonly parked = new Map<string, () => void>();

  /** One that reads on has come, and waits for its turn. */
  follow({ sessionId, sessionEpoch }: Request): void {
    const before = `${sessionId}/${sessionEpoch - 1}`;
    this.followed.add(before);
    this.parked.get(before)?.();
  }

  /** False: it is not to wait. */
  park({ sessionId, sessionEpoch }: Request, answer: () => void): boolean {
    const key = `${sessionId}/${sessionEpoch}`;
    if (this.followed.has(key)) return false;
    this.parked.set(key, answer);
    return true;
  }

  /** As after a restart. */
  clear(): void {
    this.sessions.clear();
  }

  take(request: Request): AskedFetch {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch <= 0) {
      this.sessions.delete(sessionId);
      if (sessionEpoch < 0) return { errorCode: ERROR.NONE, request, session: undefined, isIncremental: false };
      const session: FakeSession = { id: this.nextId++, epoch: 1, parts: new Map() };
      this.sessions.set(session.id, session);
      update(session, request);
      return { errorCode: ERROR.NONE, request, session, isIncremental: false };
    }
    const session = this.sessions.get(sessionId);
    const isInTurn = session?.epoch === sessionEpoch;
    if (session === undefined || !isInTurn) {
      const errorCode = session ? ERROR.INVALID_FETCH_SESSION_EPOCH : ERROR.FETCH_SESSION_ID_NOT_FOUND;
      return { errorCode, request, session: undefined, isIncremental: false };
    }
    session.epoch++;
    if (request.readsOn) for (const part of session.parts.values()) readOn(part);
    update(session, request);
    const topics = [...session.parts.values()].map(({ topic, ask }) => ({ ...topic, partitions: [ask] }));
    return { errorCode: ERROR.NONE, request: { ...request, topics }, session, isIncremental: true };
  }

  /** What of `responses` is news to the session. */
  newsOf({ session, isIncremental }: AskedFetch, responses: Responses): Responses {
    if (session === undefined) return responses;
    return responses
      .map((topic) => ({
        ...topic,
        partitions: topic.partitions.filter((answer) => {
          const { partitionIndex, errorCode, highWatermark, logStartOffset, records, originEpochs } = answer;
          const part = session.parts.get(keyOf(topic.topic ?? '', topic.topicId ?? '', partitionIndex));
          const told = `${logStartOffset}..${highWatermark} ${errorCode}`;
          const isNews = part?.told !== told || errorCode !== ERROR.NONE;
          if (part !== undefined) part.told = told;
          if (part !== undefined) part.end = endOf(records);
          return !isIncremental || isNews || (records?.length ?? 0) > 0 || (originEpochs?.length ?? 0) > 0;
        }),
      }))
      .filter(({ partitions }) => partitions.length > 0);
  }
}

function update({ parts }: FakeSession, { topics, forgottenTopicsData }: Request): void {
  for (const topic of topics) {
    for (const ask of topic.partitions) {
      const key = keyOf(topic.topic, topic.topicId, ask.partition);
      parts.set(key, { topic, ask, told: parts.get(key)?.told ?? '', end: -1 });
    }
  }
  for (const { topic, topicId, partitions } of forgottenTopicsData) {
    for (const partition of partitions) parts.delete(keyOf(topic, topicId, partition));
  }
}

function readOn(part: FakePart): void {
  if (part.end >= 0) part.ask = { ...part.ask, fetchOffset: part.end, lastFetchedEpoch: -1 };
  part.end = -1;
}

function endOf(records: readonly Buffer[] | null | undefined): number {
  const last = records?.at(-1);
  return last === undefined ? -1 : batchLastOffset(last) + 1;
}
