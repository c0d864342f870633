/**
 * The topics of one region: their partitions, the configs that are set on them, and whose copies they are. Names and ids
 * are looked for whenever somebody asks; configs of a topic when it is new, and again every few seconds.
 * Invariant: facts of a topic id that is gone are dropped; two who ask at once cost one look.
 */
import type { Client, ClusterView, TopicView } from '@meridian/client';
import { type CopyFacts, type FactsStore, factsOfConfigs } from '@meridian/coordinates';
import type { Clock } from '@meridian/io';
import { ERROR, errorName, ZERO_UUID } from '@meridian/protocol';
import type { MirrorLimits } from '../limits.ts';

export interface TopicFacts {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  /** Values set on the topic; undefined: not known (yet). */
  readonly configs: ReadonlyMap<string, string> | undefined;
  /** Why they are not. */
  readonly problem?: string | undefined;
  /** Undefined: it is nobody's copy, as far as is known. */
  readonly origin: CopyFacts | undefined;
  /** Somebody is about to make a copy of this name: without an origin it is not to be taken for a topic of its own. */
  readonly isBeingMade?: boolean;
}

export interface TopicCatalogOptions {
  readonly client: Client;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly limits: Pick<MirrorLimits, 'requestTimeoutMs' | 'firstLookMs' | 'describeTopics' | 'redescribeMs'>;
  /** In an Apache Kafka; our own brokers keep facts as configs. */
  readonly facts: FactsStore | undefined;
}

interface Described {
  readonly configs: ReadonlyMap<string, string>;
  readonly text: string;
  atMs: number;
}

export class TopicCatalog {
  private readonly options: TopicCatalogOptions;
  /** By topic id. */
  private readonly described = new Map<string, Described>();
  private readonly problems = new Map<string, string>();
  private looking: Promise<TopicFacts[]> | undefined;
  private readonly closing = new AbortController();
  /** The region has answered once. */
  private isKnown = false;

  constructor(options: TopicCatalogOptions) {
    this.options = options;
  }

  /** Rejects when the signal does; others who wait for the same look go on waiting. */
  read(signal: AbortSignal): Promise<TopicFacts[]> {
    this.looking ??= this.look(this.closing.signal).finally(() => {
      this.looking = undefined;
    });
    return untilAborted(this.looking, signal);
  }

  close(): void {
    this.closing.abort();
  }

  /** Facts of copies that are not there any more; where they are configs, they went with their topics. */
  gone(topics: readonly TopicFacts[]): CopyFacts[] {
    const { facts } = this.options;
    if (facts === undefined) return [];
    const ids = new Set(topics.map(({ id }) => id));
    return facts.all().filter(({ copyId }) => !ids.has(copyId));
  }

  /** The next look asks for the topic's configs again. */
  forget(id: string): void {
    this.described.delete(id);
  }

  private async look(signal: AbortSignal): Promise<TopicFacts[]> {
    const { client, limits, facts } = this.options;
    // A region that cannot be reached is told as such soon.
    const timeoutMs = this.isKnown ? limits.requestTimeoutMs : limits.firstLookMs;
    const view = await client.metadata('all', { timeoutMs, signal, maxAgeMs: 0 });
    this.isKnown = true;
    const topics = readable(view);
    if (topics.some(({ id }) => id === ZERO_UUID)) throw new Error(NO_IDS);
    // After the topics, so that a copy is not seen without what it is.
    await Promise.all([this.describe(topics, signal), facts?.ready()]);
    const ids = new Set(topics.map(({ id }) => id));
    for (const known of [this.described, this.problems])
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
    return topics.map(({ id, name, partitions }) => {
      const configs = this.described.get(id)?.configs;
      const origin = facts === undefined ? configs && factsOfConfigs(name, id, configs) : facts.get(id);
      const problem = configs === undefined ? this.problems.get(id) : undefined;
      const isBeingMade = origin === undefined && facts?.isBeingMade(name) === true;
      return { id, name, partitions: partitions.length, configs, problem, origin, ...(isBeingMade && { isBeingMade }) };
    });
  }

  /** What is new, and, once in a while, the rest in one go. */
  private async describe(topics: readonly TopicView[], signal: AbortSignal): Promise<void> {
    const { limits, clock } = this.options;
    const nowMs = clock.monotonic();
    const isDue = ({ id }: TopicView): boolean =>
      nowMs - (this.described.get(id)?.atMs ?? Number.NEGATIVE_INFINITY) >= limits.redescribeMs;
    const due = topics.filter(isDue);
    for (let at = 0; at < due.length; at += limits.describeTopics) {
      await this.ask(due.slice(at, at + limits.describeTopics), nowMs, signal);
    }
  }

  private async ask(topics: readonly TopicView[], nowMs: number, signal: AbortSignal): Promise<void> {
    const { client, limits } = this.options;
    const names = topics.map(({ name }) => name);
    const found = await client.describeTopicConfigs(names, { timeoutMs: limits.requestTimeoutMs, signal });
    for (const { id, name } of topics) {
      const answer = found.get(name);
      if (answer === undefined || GONE.has(answer.errorCode)) continue;
      if (answer.errorCode !== ERROR.NONE) {
        this.problems.set(id, `the configs of ${name} cannot be read: ${errorName(answer.errorCode)}`);
        continue;
      }
      this.problems.delete(id);
      const set = [...answer.values].flatMap(([key, { value, isSet }]) =>
        isSet && value ? [[key, value] as const] : [],
      );
      const before = this.described.get(id);
      const text = JSON.stringify(set);
      // The same map for the same configs: whoever compares need not look into it.
      if (before?.text === text) before.atMs = nowMs;
      else this.described.set(id, { configs: new Map(set), text, atMs: nowMs });
    }
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Without them, a topic that was deleted and created anew could not be told from the one before. */
const NO_IDS = 'its brokers do not tell the ids of topics: Apache Kafka 2.8 or newer is needed';

/** The topic went between two questions, or has not come to this broker yet. */
const GONE: ReadonlySet<number> = new Set<number>([ERROR.UNKNOWN_TOPIC_OR_PARTITION, ERROR.UNKNOWN_TOPIC_ID]);

const readable = (view: ClusterView): TopicView[] =>
  [...view.topics.values()].filter(({ errorCode }) => errorCode === ERROR.NONE);
