/**
 * How a copy becomes a topic of its own, on either engine. First it is sealed: nothing is appended to it any more, by
 * whatever mirror; where its partitions end then is the cut. Then it is promoted: writable, one incarnation further.
 * Invariant: between the cut and the promotion nothing lands; each call may be repeated after a crash.
 *
 *                 sealed                                       the cut                       promoted
 *   embedded      config `meridian.origin.promoted=sealed`:    an empty append is refused,   `…promoted=<cuts>` and the
 *                 leaders refuse mirrors and clients           and tells the log's end       next incarnation, at once
 *   Apache Kafka  `isSealed` in `__meridian_topics`, which a   the log's end behind our      configs as its origin's,
 *                 task reads after its fence; then our fence   own fence                     `promotedAt`, next incarnation
 */
import type { CallOptions, Client } from '@meridian/client';
import { LATEST } from '@meridian/client';
import { type CopyFacts, dataEnd, type FactsStore, ORIGIN_CONFIGS, SEALED } from '@meridian/coordinates';
import type { Io } from '@meridian/io';
import { ERROR, errorName } from '@meridian/protocol';
import { MirrorError } from '../errors.ts';
import type { MirrorLimits } from '../limits.ts';
import { KAFKA_COPY_CONFIGS } from '../link/copy-configs.ts';

export interface Promotion {
  /** Where the partitions end, in the copy's own offsets; it stays so. */
  seal(facts: CopyFacts, partitions: number): Promise<number[]>;
  promote(facts: CopyFacts, cut: readonly number[]): Promise<void>;
}

export interface PromotionOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly limits: Pick<MirrorLimits, 'requestTimeoutMs' | 'sealTimeoutMs' | 'sealRetryMs' | 'sealsAtOnce'>;
  readonly client: Client;
  readonly signal: AbortSignal;
}

/** Our own brokers. */
export class EmbeddedPromotion implements Promotion {
  private readonly options: PromotionOptions;

  constructor(options: PromotionOptions) {
    this.options = options;
  }

  async seal(facts: CopyFacts, partitions: number): Promise<number[]> {
    const { copy } = facts;
    const now = await this.configs(copy);
    const promoted = now.get(ORIGIN_CONFIGS.promoted);
    if (promoted !== undefined && promoted !== SEALED) return promoted.split(',').map(Number);
    if (promoted === undefined) await this.alter(copy, { [ORIGIN_CONFIGS.promoted]: SEALED });
    const all = Array.from({ length: partitions }, (_, partition) => partition);
    return each(all, this.options.limits.sealsAtOnce, (partition) => this.cutOf(facts, partition));
  }

  async promote({ copy, incarnation }: CopyFacts, cut: readonly number[]): Promise<void> {
    const cuts = cut.join(',');
    if ((await this.configs(copy)).get(ORIGIN_CONFIGS.promoted) === cuts) return;
    const next = String(incarnation + 1);
    await this.alter(copy, { [ORIGIN_CONFIGS.promoted]: cuts, [ORIGIN_CONFIGS.incarnation]: next });
  }

  /** A leader that has not heard of the seal yet answers otherwise; what is not on its followers yet is waited for. */
  private async cutOf({ copy, originTopicId }: CopyFacts, partition: number): Promise<number> {
    const { client, io, limits } = this.options;
    const deadlineMs = io.clock.monotonic() + limits.sealTimeoutMs;
    for (;;) {
      const end = await endOf(client, copy, partition, this.call());
      const mirror = { originTopicId, expectedEnd: end };
      const { errorCode, logEnd } = await client.produce(copy, partition, [], { ...this.call(), mirror });
      if (errorCode === ERROR.POLICY_VIOLATION && logEnd === end) return end;
      if (io.clock.monotonic() > deadlineMs)
        throw new MirrorError('not-sealed', `${copy}-${partition}: ${errorName(errorCode)}, ${logEnd} of ${end}`);
      await io.timers.sleep(limits.sealRetryMs, this.options.signal);
    }
  }

  private async configs(copy: string): Promise<Map<string, string>> {
    const described = (await this.options.client.describeTopicConfigs([copy], this.call())).get(copy);
    if (described === undefined || described.errorCode !== ERROR.NONE)
      throw new MirrorError('not-altered', `${copy}: ${errorName(described?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR)}`);
    const set = [...described.values].filter(([, { isSet, value }]) => isSet && value !== null);
    return new Map(set.map(([name, { value }]) => [name, value!]));
  }

  private async alter(topic: string, set: Record<string, string>): Promise<void> {
    check(topic, (await this.options.client.alterTopicConfigs([{ topic, set }], this.call()))[0]);
  }

  private call(): CallOptions {
    return { timeoutMs: this.options.limits.requestTimeoutMs, signal: this.options.signal };
  }
}

export interface KafkaPromotionOptions extends PromotionOptions {
  readonly facts: FactsStore;
  /** What the tasks of a copy's partition fence with: transactional id, and where their runs lie. */
  fenceOf(copyId: string, partition: number): { transactionalId: string; runs: { topic: string; partition: number } };
}

/** An Apache Kafka. What made the topic a copy goes, and it gets what its origin had instead, as last heard of. */
export class KafkaPromotion implements Promotion {
  private readonly options: KafkaPromotionOptions;

  constructor(options: KafkaPromotionOptions) {
    this.options = options;
  }

  async seal({ copy, copyId }: CopyFacts, partitions: number): Promise<number[]> {
    const { client, limits, fenceOf, signal } = this.options;
    const now = await this.factsOf(copyId, copy);
    if (now.promotedAt !== undefined) return [...now.promotedAt];
    if (now.isSealed === undefined) await this.put({ ...now, isSealed: true }, now);
    const all = Array.from({ length: partitions }, (_, partition) => partition);
    return each(all, limits.sealsAtOnce, async (partition) => {
      const { transactionalId, runs } = fenceOf(copyId, partition);
      const call = { timeoutMs: limits.sealTimeoutMs, signal };
      await client.fence(transactionalId, [{ topic: copy, partition }, runs], call);
      // Our own marker, and those of others before, are no records.
      const end = await endOf(client, copy, partition, call);
      return dataEnd({ client, topic: copy, topicId: copyId, partition }, 0, end);
    });
  }

  async promote({ copy, copyId }: CopyFacts, cut: readonly number[]): Promise<void> {
    const now = await this.factsOf(copyId, copy);
    if (now.promotedAt === undefined) {
      await this.openUp(now);
      const { isSealed: _, ...rest } = now;
      await this.put({ ...rest, promotedAt: cut, incarnation: now.incarnation + 1 }, now);
    }
  }

  /** Before it is written down as promoted: nobody would come back to it. */
  private async openUp({ copy, copyId }: CopyFacts): Promise<void> {
    const { client, limits, facts, signal } = this.options;
    const set = facts.withheldOf(copyId) ?? {};
    const unset = Object.keys(KAFKA_COPY_CONFIGS).filter((name) => !Object.hasOwn(set, name));
    const call = { timeoutMs: limits.requestTimeoutMs, signal };
    check(copy, (await client.alterTopicConfigs([{ topic: copy, set, unset }], call))[0]);
  }

  private async factsOf(copyId: string, copy: string): Promise<CopyFacts> {
    await this.options.facts.ready();
    const facts = this.options.facts.get(copyId);
    if (facts === undefined) throw new MirrorError('not-altered', `${copy} is no copy any more`);
    return facts;
  }

  private async put(facts: CopyFacts, before: CopyFacts): Promise<void> {
    if (await this.options.facts.put(facts, before)) return;
    throw new MirrorError('not-altered', `${facts.copy}: somebody else changed it at the same time`);
  }
}

function check(topic: string, outcome: { errorCode: number; errorMessage: string | null } | undefined): void {
  if (outcome?.errorCode === ERROR.NONE) return;
  const code = outcome?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
  throw new MirrorError('not-altered', `${topic}: ${outcome?.errorMessage ?? errorName(code)}`);
}

async function endOf(client: Client, topic: string, partition: number, call: CallOptions): Promise<number> {
  const [answer] = await client.listOffsets([{ topic, partition, timestamp: LATEST }], call);
  if (answer !== undefined && answer.errorCode === ERROR.NONE) return answer.offset;
  const code = answer?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
  throw new MirrorError('not-sealed', `${topic}-${partition}: ${errorName(code)}`);
}

/** So many at once, the answers in order. */
async function each<T, R>(items: readonly T[], atOnce: number, run: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) answers[at] = await run(items[at]!);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return answers;
}
