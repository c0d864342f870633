/**
 * Where the last mirrored record of each partition lies on either side, for offset syncs. Asked by the writer once a
 * second. Invariant: a place is told once; a partition at rest costs nothing.
 */
import type { Place, RegionCopies } from '@meridian/coordinates';
import type { Engine } from '../link/region-side.ts';
import type { MirrorTask } from '../task/mirror-task.ts';
import type { MirroredPlace } from './mm2-writer.ts';

export interface MirroredPlacesOptions {
  /** Of the target: in our own brokers, copies have their origins' offsets. */
  readonly engine: Engine;
  readonly copies: Pick<RegionCopies, 'topics' | 'views'>;
  tasks(): readonly MirrorTask[];
}

export class MirroredPlaces {
  private readonly options: MirroredPlacesOptions;
  private readonly told = new Map<string, number>();

  constructor(options: MirroredPlacesOptions) {
    this.options = options;
  }

  /** Those that have moved since they were told. */
  async moved(): Promise<MirroredPlace[]> {
    const { tasks, engine } = this.options;
    const moved = tasks().filter(({ place, task }) => {
      return task.position > 0 && this.told.get(keyOf(place)) !== task.position;
    });
    const found = moved.map(({ place, task }) => ({ place, position: task.position }));
    const locals = engine === 'embedded' ? found.map(({ position }) => position - 1) : await this.locals(found);
    return found.flatMap(({ place, position }, at): MirroredPlace[] => {
      const downstreamOffset = locals[at];
      if (downstreamOffset === undefined) return [];
      this.told.set(keyOf(place), position);
      const { topic, partition } = place;
      return [{ topic, partition, upstreamOffset: position - 1, downstreamOffset }];
    });
  }

  private async locals(found: readonly { place: MirrorTask['place']; position: number }[]) {
    const topics = new Map((await this.options.copies.topics()).map((topic) => [topic.id, topic]));
    const asked = found.map(({ place: { copyId, partition } }): Place | undefined => {
      const topic = topics.get(copyId);
      return topic && { topic, partition };
    });
    const views = await this.options.copies.views(asked.flatMap((place) => place ?? []));
    return found.map(({ position }, at) => {
      const view = asked[at] === undefined ? undefined : views.shift();
      if (view === undefined || view.runs === 'same') return undefined;
      const end = view.runs.toLocal(position);
      return end.status === 'exact' && end.offset > 0 ? end.offset - 1 : undefined;
    });
  }
}

const keyOf = ({ copyId, partition }: Pick<MirrorTask['place'], 'copyId' | 'partition'>): string =>
  `${copyId} ${partition}`;
