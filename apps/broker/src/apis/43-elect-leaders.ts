/**
 * ElectLeaders: makes the preferred replica leader, or any that lives where there is none. All checks are the decision's.
 * Invariant: who asks for all partitions is told only of those where something happened or failed.
 */
import { ElectLeaders, ERROR, type RequestOf } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

type Request = RequestOf<typeof ElectLeaders>;

const ELECTION_TYPES: Readonly<Record<number, 'preferred' | 'unclean'>> = { 0: 'preferred', 1: 'unclean' };

export function createElectLeadersHandler({ submit }: Pick<HandlerReach, 'submit'>): Handler<typeof ElectLeaders> {
  return {
    api: ElectLeaders,
    async handle(request) {
      const { electionType, topicPartitions } = request;
      const election = ELECTION_TYPES[electionType];
      if (election === undefined) return refuse(request);
      const partitions =
        topicPartitions?.flatMap(({ topic, partitions: indexes }) => indexes.map((index) => ({ topic, index }))) ??
        null;
      const result = await submit({ kind: 'electLeaders', election, partitions });
      return { errorCode: ERROR.NONE, replicaElectionResults: byTopic(result.partitions) };
    },
  };
}

function refuse({ electionType, topicPartitions }: Request) {
  const errorMessage = `Unknown election type ${electionType}`;
  const errorCode = ERROR.INVALID_REQUEST;
  const refused = (topicPartitions ?? []).map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
  }));
  return { errorCode, replicaElectionResults: refused };
}

interface Elected {
  readonly topic: string;
  /** Absent for a topic of which nothing has to be told. */
  readonly index: number | undefined;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

function byTopic(partitions: readonly Elected[]) {
  const topics = new Map<string, { partitionId: number; errorCode: number; errorMessage: string | null }[]>();
  for (const { topic, index, errorCode, errorMessage } of partitions) {
    const results = topics.get(topic) ?? [];
    topics.set(topic, results);
    if (index !== undefined) results.push({ partitionId: index, errorCode, errorMessage });
  }
  return [...topics].map(([topic, partitionResult]) => ({ topic, partitionResult }));
}
