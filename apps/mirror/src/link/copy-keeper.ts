/**
 * Makes and keeps the copies of one link at the target: creates, adopts, grows and configures them, begins them anew and
 * deletes them. Owned by the link; acts only in the process that has the link's keeper unit.
 * Invariant: a copy is known as one before anything is written to it; what one topic is refused holds up no other.
 */
import { isDeepStrictEqual } from 'node:util';
import { EARLIEST, LATEST } from '@meridian/client';
import type { CopyFacts } from '@meridian/coordinates';
import type { Logger } from '@meridian/io';
import { ERROR, errorName } from '@meridian/protocol';
import type { LinkSpec } from '@meridian/service';
import type { MirrorLimits } from '../limits.ts';
import { resolveStart } from '../task/start-position.ts';
import { followedConfigs, KAFKA_COPY_CONFIGS, originConfigs, withheldConfigs } from './copy-configs.ts';
import { copyName, type Decision } from './reconcile.ts';
import type { RegionSide } from './region-side.ts';
import type { TopicFacts } from './topic-catalog.ts';

export interface CopyKeeperOptions {
  readonly log: Logger;
  readonly limits: Pick<MirrorLimits, 'requestTimeoutMs'>;
  readonly source: RegionSide;
  readonly target: RegionSide;
}

type DecisionOf<K extends Decision['kind']> = Extract<Decision, { kind: K }>;

/** What the keeper goes by; changes while it runs. */
export interface KeeperTerms {
  readonly link: LinkSpec;
  /** Topics found from now on came after the link: they begin at their start, whatever the link says. */
  readonly hasBegun: boolean;
}

export class CopyKeeper {
  private readonly options: CopyKeeperOptions;
  /** What is not as it should be, by copy; for status. */
  private readonly troubles = new Map<string, string>();
  /** Of the origins, by their copies: what is to be withheld of them is on record. */
  private seenConfigs = new Map<string, TopicFacts['configs']>();

  constructor(options: CopyKeeperOptions) {
    this.options = options;
  }

  /** The first of what could not be done the last time; null: all was. */
  get trouble(): string | null {
    const [first] = this.troubles;
    return first === undefined ? null : `${first[0]}: ${first[1]}`;
  }

  /** Returns whether there is something new to find. */
  async act(decisions: readonly Decision[], terms: KeeperTerms, signal: AbortSignal): Promise<boolean> {
    this.troubles.clear();
    const created = await this.create(of(decisions, 'create'), terms, signal);
    const grown = await this.grow(of(decisions, 'grow'), signal);
    const configured = await this.configure(of(decisions, 'configure'), signal);
    await this.withhold(of(decisions, 'run'), terms.link);
    return created || grown || configured;
  }

  /** Whether nothing has ever been written to the topic. */
  async isEmpty({ name: topic, partitions }: TopicFacts, signal: AbortSignal): Promise<boolean> {
    const queries = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    for (const timestamp of [EARLIEST, LATEST]) {
      const asked = queries.map((query) => ({ ...query, timestamp }));
      const listed = await this.options.target.client.listOffsets(asked, this.call(signal));
      const failed = listed.find(({ errorCode }) => errorCode !== ERROR.NONE);
      if (failed !== undefined) throw new Error(`offsets of ${topic}: ${errorName(failed.errorCode)}`);
      if (listed.some(({ offset }) => offset > 0)) return false;
    }
    return true;
  }

  /** An empty topic of the copy's name becomes the copy: somebody has made it so, or we have, before we were killed. */
  async adopt({ topic, existing }: DecisionOf<'adopt'>, terms: KeeperTerms, signal: AbortSignal): Promise<void> {
    const start = await this.startOf(topic, terms, signal);
    await this.alter([{ topic: existing.name, set: KAFKA_COPY_CONFIGS }], signal);
    await this.writeFacts(existing.name, existing.id, factsFor(terms.link, topic, 1, start));
  }

  /** Deletes the copy; the next look finds it gone and released, and makes it anew. */
  async remove({ name, id }: TopicFacts, signal: AbortSignal): Promise<void> {
    const { target, log } = this.options;
    const [outcome] = await target.client.deleteTopics([name], this.call(signal));
    const code = outcome?.errorCode ?? ERROR.NONE;
    if (code !== ERROR.NONE && code !== ERROR.UNKNOWN_TOPIC_OR_PARTITION) {
      throw new Error(`${name} cannot be deleted: ${outcome?.errorMessage ?? errorName(code)}`);
    }
    target.catalog.forget(id);
    log.warn('a copy was deleted', { copy: name });
  }

  private async create(
    decisions: readonly DecisionOf<'create'>[],
    terms: KeeperTerms,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { target } = this.options;
    if (decisions.length === 0) return false;
    const wanted = await Promise.all(
      decisions.map(async ({ topic, copy, incarnation }) => {
        const start = await this.startOf(topic, terms, signal);
        return { topic, copy, facts: factsFor(terms.link, topic, incarnation, start) };
      }),
    );
    // Elsewhere a copy without facts would be a topic of its own, which others mirror on.
    await target.facts?.announce(wanted.map(({ copy }) => copy));
    const outcomes = await target.client.createTopics(
      wanted.map(({ topic, copy, facts }) => ({
        name: copy,
        numPartitions: topic.partitions,
        configs: this.configsOf(topic, facts, terms.link),
      })),
      this.call(signal),
    );
    for (const { name, topicId, ...outcome } of outcomes) {
      const facts = wanted.find(({ copy }) => copy === name)?.facts;
      if (facts === undefined || !this.note(name, 'a copy was created', outcome)) continue;
      if (outcome.errorCode === ERROR.NONE) await this.writeFacts(name, topicId, facts);
    }
    return true;
  }

  private configsOf(topic: TopicFacts, facts: FactsOfCopy, { follow }: LinkSpec): Record<string, string> {
    const { engine } = this.options.target;
    const followed = followedConfigs(topic.configs ?? new Map(), follow.configs, engine);
    return { ...followed, ...(engine === 'kafka' ? KAFKA_COPY_CONFIGS : originConfigs(facts)) };
  }

  /** Our own brokers have them as configs, from the moment that the topic is there. */
  private async writeFacts(copy: string, copyId: string, facts: FactsOfCopy): Promise<void> {
    const { facts: store } = this.options.target;
    if (store === undefined) return;
    await store.put({ copy, copyId, ...facts }, store.get(copyId));
  }

  private async grow(decisions: readonly DecisionOf<'grow'>[], signal: AbortSignal): Promise<boolean> {
    if (decisions.length === 0) return false;
    const outcomes = await this.options.target.client.createPartitions(
      decisions.map(({ copy, partitions }) => ({ name: copy, count: partitions })),
      this.call(signal),
    );
    for (const { name, ...outcome } of outcomes) this.note(name, 'a copy was grown', outcome);
    return true;
  }

  private async configure(decisions: readonly DecisionOf<'configure'>[], signal: AbortSignal): Promise<boolean> {
    if (decisions.length === 0) return false;
    for (const { existing } of decisions) this.options.target.catalog.forget(existing.id);
    await this.alter(
      decisions.map(({ existing, set, unset }) => ({ topic: existing.name, set, unset })),
      signal,
    );
    return false;
  }

  /** Of a region that is lost nobody can ask any more which retention its topics had. */
  private async withhold(decisions: readonly DecisionOf<'run'>[], { follow }: LinkSpec): Promise<void> {
    const { facts } = this.options.target;
    if (facts === undefined) return;
    const changes = decisions.flatMap(({ topic: { configs }, existing: { id } }) => {
      if (configs === undefined || this.seenConfigs.get(id) === configs) return [];
      const wanted = withheldConfigs(configs, follow.configs);
      return isDeepStrictEqual(wanted, facts.withheldOf(id)) ? [] : [[id, wanted] as const];
    });
    await facts.withhold(new Map(changes));
    this.seenConfigs = new Map(decisions.map(({ topic, existing }) => [existing.id, topic.configs]));
  }

  private async alter(
    changes: readonly { topic: string; set: Readonly<Record<string, string>>; unset?: readonly string[] }[],
    signal: AbortSignal,
  ): Promise<void> {
    const outcomes = await this.options.target.client.alterTopicConfigs(changes, this.call(signal));
    for (const { topic, ...outcome } of outcomes) this.note(topic, 'a copy has its configs changed', outcome);
  }

  private async startOf(topic: TopicFacts, { link, hasBegun }: KeeperTerms, signal: AbortSignal) {
    const { client } = this.options.source;
    const start = hasBegun ? 'earliest' : link.start;
    return resolveStart(client, topic.name, topic.partitions, start, this.call(signal));
  }

  /** Returns whether it is as it was wanted. */
  private note(copy: string, done: string, outcome: { errorCode: number; errorMessage: string | null }): boolean {
    const { log } = this.options;
    const { errorCode, errorMessage } = outcome;
    if (errorCode === ERROR.NONE) {
      log.info(done, { copy });
      return true;
    }
    if (errorCode === ERROR.TOPIC_ALREADY_EXISTS) return true;
    const reason = errorMessage ?? errorName(errorCode);
    this.troubles.set(copy, reason);
    log.warn(`refused: ${done}`, { copy, reason });
    return false;
  }

  private call(signal: AbortSignal) {
    return { timeoutMs: this.options.limits.requestTimeoutMs, signal };
  }
}

type FactsOfCopy = Omit<CopyFacts, 'copy' | 'copyId'>;

function factsFor(link: LinkSpec, topic: TopicFacts, incarnation: number, start: string | undefined): FactsOfCopy {
  const isIdentity = copyName(link, topic.name) === topic.name;
  return {
    originRegion: link.from,
    originTopic: topic.name,
    originTopicId: topic.id,
    incarnation,
    policy: isIdentity ? 'identity' : 'prefix',
    link: link.name,
    ...(start !== undefined && { start }),
  };
}

const of = <K extends Decision['kind']>(decisions: readonly Decision[], kind: K): DecisionOf<K>[] =>
  decisions.filter((decision): decision is DecisionOf<K> => decision.kind === kind);
