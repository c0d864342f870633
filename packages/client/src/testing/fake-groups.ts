/**
 * Consumer groups of a fake cluster: their states, which a test sets, and their commits. Used by the fake broker, each of
 * which coordinates all of them. Invariant: as in Kafka, nobody from outside commits into a group that has members.
 */
import {
  ERROR,
  type ListGroups,
  type OffsetCommit,
  type OffsetFetch,
  type RequestOf,
  type ResponseInput,
} from '@meridian/protocol';

export interface FakeCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

export class FakeGroup {
  state = 'Empty';
  readonly commits = new Map<string, FakeCommit>();

  commit(commit: Omit<FakeCommit, 'metadata'> & { metadata?: string }): void {
    this.commits.set(`${commit.topic} ${commit.partition}`, { metadata: '', ...commit });
  }

  at(topic: string, partition = 0): number | undefined {
    return this.commits.get(`${topic} ${partition}`)?.offset;
  }
}

export class FakeGroups {
  private readonly groups = new Map<string, FakeGroup>();

  /** Made when it is asked for. */
  of(name: string): FakeGroup {
    const group = this.groups.get(name) ?? new FakeGroup();
    this.groups.set(name, group);
    return group;
  }

  list(): ResponseInput<typeof ListGroups> {
    const groups = [...this.groups].map(([groupId, { state }]) => ({
      ...{ groupId, protocolType: 'consumer', groupState: state, groupType: 'classic' },
    }));
    return { errorCode: ERROR.NONE, groups };
  }

  fetch({ groups }: RequestOf<typeof OffsetFetch>): ResponseInput<typeof OffsetFetch> {
    const found = groups.map(({ groupId }) => {
      const commits = [...(this.groups.get(groupId)?.commits.values() ?? [])];
      const topics = [...Map.groupBy(commits, ({ topic }) => topic)].map(([name, list]) => ({
        name,
        partitions: list.map(({ partition: partitionIndex, offset: committedOffset, metadata }) => ({
          ...{ partitionIndex, committedOffset, metadata, errorCode: ERROR.NONE },
        })),
      }));
      return { groupId, topics, errorCode: ERROR.NONE };
    });
    return { groups: found, topics: [], errorCode: ERROR.NONE };
  }

  commit({ groupId, topics }: RequestOf<typeof OffsetCommit>): ResponseInput<typeof OffsetCommit> {
    const group = this.of(groupId);
    const errorCode = group.state === 'Empty' ? ERROR.NONE : ERROR.UNKNOWN_MEMBER_ID;
    return {
      topics: topics.map(({ name: topic, partitions }) => ({
        name: topic,
        partitions: partitions.map(({ partitionIndex: partition, committedOffset: offset, committedMetadata }) => {
          if (errorCode === ERROR.NONE) group.commit({ topic, partition, offset, metadata: committedMetadata ?? '' });
          return { partitionIndex: partition, errorCode };
        }),
      })),
    };
  }
}
