/**
 * The topics of one region with what they are, and views of their partitions for translation; by the Kafka protocol alone,
 * on both engines. Used by the mirror, the gateway and the command line.
 * Invariant: a view is of now: log start and high watermark are asked for, and runs are read to their end.
 */
import { type Client, ClientError, EARLIEST, LATEST } from '@meridian/client';
import type { Io } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import type { CopyView } from './copy-view.ts';
import { dataEnd } from './data-end.ts';
import { FactsStore } from './facts-store.ts';
import type { FollowedRuns } from './followed-runs.ts';
import { LIMITS } from './limits.ts';
import type { LostRange } from './run-table.ts';
import { RunsStore } from './runs-store.ts';
import { type CopyFacts, factsOfConfigs } from './topic-facts.ts';

export interface RegionTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  /** Undefined: it is nobody's copy. */
  readonly facts?: CopyFacts | undefined;
}

export interface RegionCopiesOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly client: Client;
  readonly engine: 'embedded' | 'kafka';
  /** Those that somebody has already; others are made as they are needed. */
  readonly facts?: FactsStore | undefined;
  readonly runs?: RunsStore | undefined;
  /** Who knows the topics already. Default: they are asked for, once a second at most. */
  readonly catalog?: (() => Promise<readonly RegionTopic[]>) | undefined;
  /** What the origin lost before an embedded copy had it. */
  readonly lostOf?: ((topic: RegionTopic, partition: number) => readonly LostRange[]) | undefined;
}

/** `asOrigin`: a promoted copy is seen as the topic of its own that it is since. */
export interface Place {
  readonly topic: RegionTopic;
  readonly partition: number;
  readonly asOrigin?: boolean;
}

export class RegionCopies {
  private readonly options: RegionCopiesOptions;
  private readonly facts: FactsStore | undefined;
  private readonly runs: RunsStore | undefined;
  private known: { readonly atMs: number; readonly topics: Promise<readonly RegionTopic[]> } | undefined;
  /** By partition of a copy: what was found for which high watermark. */
  private readonly ends = new Map<string, { readonly highWatermark: number; readonly end: number }>();

  constructor(options: RegionCopiesOptions) {
    const { io, client, engine } = options;
    this.options = options;
    if (engine === 'embedded') return;
    this.facts = options.facts ?? new FactsStore({ io, client, mayCreate: false });
    this.runs = options.runs ?? new RunsStore({ io, client });
  }

  topics(): Promise<readonly RegionTopic[]> {
    const nowMs = this.options.io.clock.monotonic();
    if (this.known === undefined || nowMs - this.known.atMs > LIMITS.topicsMaxAgeMs) {
      const topics = (this.options.catalog ?? (() => this.readTopics()))();
      const known = { atMs: nowMs, topics };
      this.known = known;
      topics.catch(() => {
        if (this.known === known) this.known = undefined;
      });
    }
    return this.known.topics;
  }

  /** In the order of the places; undefined where the partition does not answer, or is not there. */
  async views(places: readonly Place[]): Promise<(CopyView | undefined)[]> {
    const distinct = new Map(places.map((place) => [nameOf(place), place]));
    const asked = [...distinct.values()];
    const [starts, ends] = await Promise.all([this.list(asked, EARLIEST), this.list(asked, LATEST)]);
    const views = new Map<string, Promise<CopyView>>();
    for (const [index, name] of [...distinct.keys()].entries()) {
      const [start, end] = [starts[index], ends[index]];
      if (start !== undefined && end !== undefined) views.set(name, this.view(asked[index]!, start, end));
    }
    return Promise.all(places.map((place) => views.get(nameOf(place))));
  }

  /** Ends the readers that were made here. */
  close(): void {
    if (this.options.facts === undefined) this.facts?.close();
    if (this.options.runs === undefined) this.runs?.close();
  }

  /** A topic that is gone rejects the question as a whole: then the others are asked without it. */
  private async list(places: readonly Place[], timestamp: number): Promise<(number | undefined)[]> {
    const there = places.filter(({ topic, partition }) => partition < topic.partitions);
    if (there.length < places.length) {
      const listed = await this.list(there, timestamp);
      return places.map((place) => (there.includes(place) ? listed.shift() : undefined));
    }
    if (places.length === 0) return [];
    const queries = places.map(({ topic, partition }) => ({ topic: topic.name, partition, timestamp }));
    try {
      const answers = await this.options.client.listOffsets(queries, { retryForMs: 0 });
      return answers.map(({ errorCode, offset }) => (errorCode === ERROR.NONE ? offset : undefined));
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'unknown-topic') throw error;
      if (places.length === 1) return [undefined];
      const half = places.length >> 1;
      const halves = [places.slice(0, half), places.slice(half)].map((some) => this.list(some, timestamp));
      return (await Promise.all(halves)).flat();
    }
  }

  private async view({ topic, partition, asOrigin }: Place, start: number, end: number): Promise<CopyView> {
    const { facts } = topic;
    if (facts === undefined || asOrigin) return { originTopicId: topic.id, runs: 'same', start, end };
    const cut = facts.promotedAt?.[partition];
    const common = { originTopicId: facts.originTopicId, start, end, ...(cut !== undefined && { cut }) };
    if (this.runs === undefined) {
      return { ...common, runs: 'same', lost: this.options.lostOf?.(topic, partition) ?? [] };
    }
    const runs = await this.runs.caughtUp({ copyId: topic.id, partition });
    const logEnd = cut ?? end;
    const dataEnds = await this.dataEnd(topic, partition, runs, logEnd);
    return { ...common, runs: runs.between(start, dataEnds, logEnd) };
  }

  private async dataEnd(
    topic: RegionTopic,
    partition: number,
    runs: FollowedRuns,
    highWatermark: number,
  ): Promise<number> {
    const openStart = runs.openStart(highWatermark);
    if (openStart === undefined) return highWatermark;
    const name = `${topic.id}/${partition}`;
    const known = this.ends.get(name);
    if (known?.highWatermark === highWatermark) return known.end;
    const log = { client: this.options.client, topic: topic.name, topicId: topic.id, partition };
    const end = await dataEnd(log, openStart, highWatermark);
    this.ends.delete(name);
    this.ends.set(name, { highWatermark, end });
    const oldest = this.ends.size > LIMITS.rememberedEnds ? this.ends.keys().next().value : undefined;
    if (oldest !== undefined) this.ends.delete(oldest);
    return end;
  }

  private async readTopics(): Promise<readonly RegionTopic[]> {
    const view = await this.options.client.metadata('all', { maxAgeMs: 0 });
    const found = [...view.topics.values()].filter(({ errorCode }) => errorCode === ERROR.NONE);
    const facts = this.facts === undefined ? await this.configFacts(found) : await this.storedFacts(this.facts);
    return found.map(({ name, id, partitions }) => {
      return { name, id, partitions: partitions.length, facts: facts.get(id) };
    });
  }

  private async storedFacts(store: FactsStore): Promise<ReadonlyMap<string, CopyFacts>> {
    await store.ready();
    return new Map(store.all().map((facts) => [facts.copyId, facts]));
  }

  private async configFacts(topics: readonly { name: string; id: string }[]): Promise<ReadonlyMap<string, CopyFacts>> {
    const facts = new Map<string, CopyFacts>();
    const own = topics.filter(({ name }) => !name.startsWith('__'));
    for (let at = 0; at < own.length; at += LIMITS.describeTopics) {
      const some = own.slice(at, at + LIMITS.describeTopics);
      const described = await this.options.client.describeTopicConfigs(some.map(({ name }) => name));
      for (const { name, id } of some) {
        const values = [...(described.get(name)?.values ?? [])].map(([key, { value }]) => [key, value ?? ''] as const);
        const found = factsOfConfigs(name, id, new Map(values));
        if (found !== undefined) facts.set(id, found);
      }
    }
    return facts;
  }
}

const nameOf = ({ topic, partition, asOrigin }: Place): string =>
  `${topic.id}/${partition}${asOrigin ? ' as an origin' : ''}`;
