/**
 * What runs beside the tasks of a link: copies compared, groups carried, MirrorMaker 2's topics written. Made by the
 * mirror for each link, begun when made, and stopped with it. Invariant: no task waits for one of them.
 */
import type { LinkSpec, NameMatcher } from '@meridian/service';
import type { MirrorTask, TaskPlace } from '../task/mirror-task.ts';
import type { RegionSide } from './region-side.ts';

/** The link as its companions see it. */
export interface LinkView {
  readonly spec: LinkSpec;
  readonly source: RegionSide;
  readonly target: RegionSide;
  /** Which topics the link means. */
  readonly selects: NameMatcher;
  /** Of this process, as they are now. */
  tasks(): readonly MirrorTask[];
  /** Why the task's partition is not mirrored, though it is a copy; null: it is mirrored, or no copy any more. */
  haltedBy(task: MirrorTask): string | null;
}

export interface Companion {
  /** Up to where copy and origin were compared and found equal; −1: not at all. */
  comparedEnd?(place: TaskPlace): number;
  /** Why it does not do all that it should; the link is `retrying` meanwhile. */
  readonly trouble?: string | null;
  /** What it does not do, as things are; nothing will change that but somebody's decision. */
  readonly notice?: string | null;
  stop(): Promise<void>;
}

export interface Companions {
  /** In every process that has a part of the link. */
  always(view: LinkView): Companion[];
  /** In the one that is its keeper, while the link is not paused. */
  ofKeeper(view: LinkView): Companion[];
}

/** Those of a link as they run. */
export class RunningCompanions {
  private readonly companions: Companions;
  private readonly view: LinkView;
  private readonly always: Companion[];
  private ofKeeper: Companion[] = [];
  private ending: Promise<unknown> = Promise.resolve();

  constructor(companions: Companions, view: LinkView) {
    this.companions = companions;
    this.view = view;
    this.always = companions.always(view);
  }

  keep(isKeeper: boolean): void {
    if (isKeeper === this.ofKeeper.length > 0) return;
    if (isKeeper) this.ofKeeper = this.companions.ofKeeper(this.view);
    else this.end(this.ofKeeper.splice(0));
  }

  get trouble(): string | null {
    return [...this.always, ...this.ofKeeper].find(({ trouble }) => trouble != null)?.trouble ?? null;
  }

  get notice(): string | null {
    return this.ofKeeper.find(({ notice }) => notice != null)?.notice ?? null;
  }

  comparedEnd(place: TaskPlace): number {
    return this.always.reduce((end, companion) => Math.max(end, companion.comparedEnd?.(place) ?? -1), -1);
  }

  async stop(): Promise<void> {
    this.end([...this.always.splice(0), ...this.ofKeeper.splice(0)]);
    await this.ending;
  }

  private end(companions: readonly Companion[]): void {
    this.ending = Promise.all([this.ending, ...companions.map((companion) => companion.stop())]);
  }
}
