/**
 * What the translation between the quorum's machine and the wire has to know: who we are, and who leads now. Called by the
 * files `raft-*.ts` beside it; made anew by the shell for each message, because epoch and leader change.
 * Invariant: the quorum has one partition, `__cluster_metadata-0` of Kafka's fixed id; any other is refused, never guessed.
 */
import { ERROR, type ErrorName, errorName } from '@meridian/protocol';
import type { RaftError, ReplicaKey, VoterEndpoint } from '@meridian/quorum';
import { CLUSTER_METADATA_TOPIC } from '../controller/topic-name.ts';

export const METADATA_TOPIC = CLUSTER_METADATA_TOPIC;
export const METADATA_TOPIC_ID = '00000000-0000-0000-0000-000000000001';
export const METADATA_PARTITION = 0;

export interface RaftView {
  readonly clusterId: string;
  readonly self: ReplicaKey;
  readonly epoch: number;
  /** −1: not known. */
  readonly leaderId: number;
  /** Where the leader is found by who asked; undefined while it is not known. */
  readonly leaderEndpoint: Pick<VoterEndpoint, 'host' | 'port'> | undefined;
  /** Of the listener on which voters find each other: who has no endpoint of that name cannot vote. */
  readonly listenerName: string;
}

/** Where somebody says that a node is found. */
export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

/** Kafka does not insist on the cluster id where a request has none. */
export const isForeign = ({ clusterId }: RaftView, requested: string | null): boolean =>
  requested !== null && requested !== clusterId;

/** The one partition of a list of topics that has one topic with one partition, and that is ours; else undefined. */
export function onlyPartition<T extends { readonly partitions: readonly unknown[] }>(
  topics: readonly T[],
  isOurs: (topic: T) => boolean,
  indexOf: (partition: T['partitions'][number]) => number,
): T['partitions'][number] | undefined {
  const [topic] = topics;
  if (topic === undefined || topics.length !== 1 || topic.partitions.length !== 1 || !isOurs(topic)) return undefined;
  const [partition] = topic.partitions;
  return indexOf(partition) === METADATA_PARTITION ? partition : undefined;
}

interface Indexed {
  readonly partitionIndex: number;
}

/** The same where topics go by their name, as in votes and in the beginning and the end of epochs. */
export function onlyNamed<P extends Indexed>(
  topics: readonly { readonly topicName: string; readonly partitions: readonly P[] }[],
): P | undefined {
  const isOurs = ({ topicName }: { readonly topicName: string }): boolean => topicName === METADATA_TOPIC;
  return onlyPartition(topics, isOurs, (partition) => (partition as P).partitionIndex) as P | undefined;
}

/** Where the leader that an answer names is found, as it is told beside the partitions; empty where that is not known. */
export function leaderEndpoints({ leaderId, leaderEndpoint }: RaftView, named: number): NodeEndpoint[] {
  if (leaderEndpoint === undefined || leaderId < 0 || leaderId !== named) return [];
  return [{ nodeId: leaderId, host: leaderEndpoint.host, port: leaderEndpoint.port }];
}

const RAFT_ERRORS: Record<RaftError, ErrorName> = {
  NONE: 'NONE',
  NOT_LEADER_OR_FOLLOWER: 'NOT_LEADER_OR_FOLLOWER',
  REQUEST_TIMED_OUT: 'REQUEST_TIMED_OUT',
  UNSUPPORTED_VERSION: 'UNSUPPORTED_VERSION',
  INVALID_REQUEST: 'INVALID_REQUEST',
  FENCED_LEADER_EPOCH: 'FENCED_LEADER_EPOCH',
  UNKNOWN_LEADER_EPOCH: 'UNKNOWN_LEADER_EPOCH',
  POSITION_OUT_OF_RANGE: 'POSITION_OUT_OF_RANGE',
  SNAPSHOT_NOT_FOUND: 'SNAPSHOT_NOT_FOUND',
  INVALID_VOTER_KEY: 'INVALID_VOTER_KEY',
  DUPLICATE_VOTER: 'DUPLICATE_VOTER',
  VOTER_NOT_FOUND: 'VOTER_NOT_FOUND',
};

export const codeOf = (error: RaftError): number => ERROR[RAFT_ERRORS[error]];

/** Undefined for an error that the machine knows nothing to do about: the request has failed, and is sent again later. */
export function raftErrorOf(code: number): RaftError | undefined {
  const name = errorName(code);
  return Object.hasOwn(RAFT_ERRORS, name) ? (name as RaftError) : undefined;
}
