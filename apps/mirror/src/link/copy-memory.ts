/**
 * Which copies a region of our own brokers had, in its `__meridian_topics`: facts are configs there and go with their
 * topics, so that a mirror that is started later would not know that somebody has deleted one. Owned by the target
 * region; read at every discovery, written by the keepers of links. Invariant: a copy is written down in the look in which
 * it is first seen to run, after its tasks were started; one that goes before that is made anew without a word.
 */
import { type CopyFacts, FactsStore, type FactsStoreOptions, TOPICS_TOPIC } from '@meridian/coordinates';
import type { Decision } from './reconcile.ts';
import type { TopicFacts } from './topic-catalog.ts';

export class CopyMemory {
  private readonly store: FactsStore;
  private reading: Promise<void> | undefined;

  constructor(options: Pick<FactsStoreOptions, 'io' | 'client'>) {
    this.store = new FactsStore({ ...options, mayCreate: true });
  }

  /** Copies that are not there any more. The topic is made by the first that is remembered. */
  async gone(found: readonly TopicFacts[]): Promise<CopyFacts[]> {
    if (found.some(({ name }) => name === TOPICS_TOPIC)) await this.read();
    const ids = new Set(found.map(({ id }) => id));
    return this.store.all().filter(({ copyId }) => !ids.has(copyId));
  }

  /** Copies that run. Those before them under their names are of no interest any more. */
  async remember(decisions: readonly Decision[]): Promise<void> {
    const running = decisions.flatMap((decision) => (decision.kind === 'run' ? (decision.existing.origin ?? []) : []));
    const fresh = running.filter(({ copyId, incarnation }) => this.store.get(copyId)?.incarnation !== incarnation);
    if (fresh.length === 0) return;
    const ids = new Map(fresh.map(({ copy, copyId }) => [copy, copyId]));
    const old = this.store.all().filter(({ copy, copyId }) => ids.has(copy) && ids.get(copy) !== copyId);
    await this.store.write(
      fresh,
      old.map(({ copyId }) => copyId),
    );
  }

  /** Somebody has said that the copy may be gone. */
  async forget(copyId: string): Promise<void> {
    if (this.store.get(copyId) !== undefined) await this.store.remove(copyId);
  }

  close(): void {
    this.store.close();
  }

  /** Once; then it is followed. */
  private read(): Promise<void> {
    this.reading ??= this.store.ready().catch((error: unknown) => {
      this.reading = undefined;
      throw error;
    });
    return this.reading;
  }
}
