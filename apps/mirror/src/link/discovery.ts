/**
 * What is to be done after a look at both sides, and how sure that is: `reconcile` with what a link remembers of the
 * looks before. Owned by the link.
 * Invariant: nothing that stops a copy, or begins it anew, rests on a single look.
 */
import type { CopyFacts } from '@meridian/coordinates';
import type { LinkSpec, NameMatcher } from '@meridian/service';
import type { GapStore } from '../gaps/gap-store.ts';
import type { MirrorLimits } from '../limits.ts';
import { Doubt } from './doubt.ts';
import { type Decision, reconcile } from './reconcile.ts';
import type { Engine } from './region-side.ts';
import type { TopicFacts } from './topic-catalog.ts';

export interface DiscoveryOptions {
  readonly limits: Pick<MirrorLimits, 'absentLooks' | 'maxTopicNameLength'>;
  readonly spec: LinkSpec;
  readonly selects: NameMatcher;
  /** Of the target. */
  readonly engine: Engine;
  readonly gaps: Pick<GapStore, 'newIncarnationFor' | 'list'>;
  /** Copies that were seen, by name; outlives the link when it is changed. */
  readonly seen: Map<string, CopyFacts>;
}

export type Adoption = Extract<Decision, { kind: 'adopt' }>;
type Doubtful = Extract<Decision, { kind: 'recreated' | 'deleted' | 'copyGone' }>;

export class Discovery {
  private readonly options: DiscoveryOptions;
  private readonly doubt: Doubt;
  /** Copies that may be made anew, as somebody has said so. */
  private readonly released = new Set<string>();

  constructor(options: DiscoveryOptions) {
    this.options = options;
    this.doubt = new Doubt(options.limits.absentLooks);
  }

  /** `adopt` says whether a topic of the copy's name may be the copy; it is then, or is about to be. */
  async decide(
    source: readonly TopicFacts[],
    found: readonly TopicFacts[],
    gone: readonly CopyFacts[],
    adopt: (decision: Adoption) => Promise<boolean>,
  ): Promise<Decision[]> {
    const settled: Decision[] = [];
    for (const decision of this.compare(source, found, gone)) {
      if (decision.kind === 'adopt') {
        if (!(await adopt(decision))) settled.push(refused(decision));
      } else if (!isDoubtful(decision) || this.isCertain(decision)) settled.push(decision);
    }
    this.doubt.endLook();
    for (const decision of settled) this.remember(decision);
    return settled;
  }

  /** Copies that a lost range orders to begin anew: they are to be deleted, and are made again at the next look. */
  renewed(decisions: readonly Decision[]): TopicFacts[] {
    const { gaps } = this.options;
    return decisions.flatMap((decision) => {
      if (decision.kind !== 'run' && decision.kind !== 'recreated') return [];
      const { existing } = decision;
      const { incarnation = 1 } = existing.origin ?? {};
      if (gaps.newIncarnationFor(existing.name, incarnation) === undefined) return [];
      const isLate = this.doubt.isCertain(`renew ${existing.name}`, String(incarnation));
      if (decision.kind === 'recreated' && !isLate && !this.isTold(existing, incarnation)) return [];
      this.release(existing.name);
      return [existing];
    });
  }

  release(copy: string): void {
    this.released.add(copy);
  }

  /** The last looks said something of the copy that is not believed yet. */
  isDoubted(copy: string): boolean {
    return this.doubt.isDoubted(doubtOf(copy));
  }

  forget(copy: string): void {
    this.options.seen.delete(copy);
  }

  private compare(source: readonly TopicFacts[], found: readonly TopicFacts[], gone: readonly CopyFacts[]): Decision[] {
    const { limits, gaps, seen, engine, selects, spec: link } = this.options;
    const target = new Map(found.map((topic) => [topic.name, topic]));
    const missing = new Map(gone.map((facts) => [facts.copy, facts]));
    for (const [copy, facts] of seen) if (!target.has(copy)) missing.set(copy, facts);
    const released = new Set(this.released);
    for (const { copy, incarnation } of missing.values()) {
      if (gaps.newIncarnationFor(copy, incarnation) !== undefined) released.add(copy);
    }
    return reconcile({ link, selects, engine, source, target, gone: missing, released, limits });
  }

  private isCertain(decision: Doubtful): boolean {
    const copy = decision.kind === 'copyGone' ? decision.facts.copy : decision.existing.name;
    return this.doubt.isCertain(doubtOf(copy), `${decision.kind} ${decision.topic.id}`);
  }

  private remember(decision: Decision): void {
    if (!('existing' in decision) || decision.existing.origin === undefined) return;
    this.options.seen.set(decision.existing.name, decision.existing.origin);
    if (decision.kind === 'run') this.released.delete(decision.existing.name);
  }

  /** Whether every partition has its gap on record: what was lost is told before the copy goes. */
  private isTold({ name, partitions }: TopicFacts, incarnation: number): boolean {
    const gaps = this.options.gaps.list().filter((gap) => gap.copy === name && gap.incarnation === incarnation);
    return new Set(gaps.map(({ partition }) => partition)).size >= partitions;
  }
}

const doubtOf = (copy: string): string => `copy ${copy}`;

const isDoubtful = (decision: Decision): decision is Doubtful =>
  decision.kind === 'recreated' || decision.kind === 'deleted' || decision.kind === 'copyGone';

function refused({ topic, existing: { name: copy, id: copyId } }: Adoption): Decision {
  const reason = `${copy} exists here already, has records and is no copy: delete or rename one of the two, or leave the topic out of the link`;
  return { kind: 'halt', topic, copy, copyId, reason, hasCopy: false };
}
