/**
 * A topic of a link and its tasks, one per partition that is this process's to mirror. Owned by the link.
 * Invariant: every task of a topic that is not mirrored says why, whatever it was doing.
 */
import type { PartitionState } from '../status.ts';
import type { MirrorTask, TaskCommand } from '../task/mirror-task.ts';

/** `deleted` and `promoted` are shown as such; all but `run` have a reason. */
export type TopicMode = 'run' | 'recreated' | 'halted' | 'deleted' | 'promoted';

/** What the tasks of a topic have in common; with another copy or origin, all of them begin anew. */
export interface TopicPlace {
  readonly topic: string;
  /** Of the topic that was copied: the name may mean another one by now. */
  readonly topicId: string;
  readonly copy: string;
  readonly copyId: string;
  readonly incarnation: number;
  readonly start: string | undefined;
}

export class MirroredTopic {
  readonly place: TopicPlace;
  readonly tasks = new Map<number, MirrorTask>();
  partitions = 0;
  mode: TopicMode;
  reason: string | null;
  hasCopy: boolean;
  private pausedBy: string | null = null;
  private assignedAt = -1;
  private assignedPartitions = -1;

  constructor(place: TopicPlace, mode: TopicMode, reason: string | null, hasCopy: boolean) {
    this.place = place;
    this.mode = mode;
    this.reason = reason;
    this.hasCopy = hasCopy;
  }

  isOf({ topicId, copyId, incarnation }: TopicPlace): boolean {
    return this.place.topicId === topicId && this.place.copyId === copyId && this.place.incarnation === incarnation;
  }

  /** What its partitions show instead of what their tasks do. */
  get shownAs(): PartitionState | undefined {
    return this.mode === 'deleted' || this.mode === 'promoted' ? this.mode : undefined;
  }

  /** Whether tasks stand as of this assignment; if not, the caller sees to it now. */
  isAssigned(assignment: number): boolean {
    if (this.assignedAt === assignment && this.assignedPartitions === this.partitions) return true;
    this.assignedAt = assignment;
    this.assignedPartitions = this.partitions;
    return false;
  }

  turn(mode: TopicMode, reason: string | null, hasCopy: boolean): void {
    this.hasCopy = hasCopy;
    if (this.mode === mode && this.reason === reason) return;
    this.mode = mode;
    this.reason = reason;
    for (const task of this.tasks.values()) task.feed(this.command());
  }

  pause(reason: string | null): void {
    if (this.pausedBy === reason) return;
    this.pausedBy = reason;
    if (this.mode === 'run') for (const task of this.tasks.values()) task.feed(this.command());
  }

  add(partition: number, task: MirrorTask): void {
    this.tasks.set(partition, task);
    task.feed(this.command());
  }

  stop(partition: number): void {
    this.tasks.get(partition)?.stop();
    this.tasks.delete(partition);
  }

  stopAll(): void {
    for (const partition of [...this.tasks.keys()]) this.stop(partition);
  }

  private command(): TaskCommand {
    const reason = this.reason ?? '';
    if (this.mode === 'recreated') return { type: 'recreated', reason };
    if (this.mode !== 'run') return { type: 'halt', reason };
    return this.pausedBy === null ? { type: 'start' } : { type: 'pause', reason: this.pausedBy };
  }
}
