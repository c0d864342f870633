/**
 * Topics changed and cut from outside, and who may read them: DeleteRecords 21 (at leaders), DeleteTopics 20,
 * IncrementalAlterConfigs 44, Describe-, Create- and DeleteAcls 29 to 31. For the mirror's copies.
 * Invariant: an outcome per thing asked for; its own failure is its `errorCode`.
 */
import {
  CreateAcls,
  DeleteAcls,
  DeleteRecords,
  DeleteTopics,
  DescribeAcls,
  ERROR,
  errorName,
  IncrementalAlterConfigs,
  ZERO_UUID,
} from '@meridian/protocol';
import { ClientError } from './errors.ts';
import { askLeaders, byTopic, keyOf, type QueryContext, type Question } from './leader-queries.ts';
import type { AdminContext } from './topic-admin.ts';
import type { CallOptions, QueryOptions, TopicOutcome, TopicPartition } from './types.ts';

/** Records below `offset` go. −1: all that are committed. */
export interface RecordsToDelete extends TopicPartition {
  readonly offset: number;
}

export interface DeletedRecords extends TopicPartition {
  readonly errorCode: number;
  /** The log begins here now; −1 on an error. */
  readonly lowWatermark: number;
}

export interface TopicConfigChange {
  readonly topic: string;
  readonly set?: Readonly<Record<string, string>>;
  /** Back to the default. */
  readonly unset?: readonly string[];
}

export interface ChangeOutcome {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** One rule, in Kafka's numbers: resource 2 topic, 3 group; pattern 3 literal, 4 prefixed; permission 2 deny, 3 allow. */
export interface AclRule {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

/** What is left out is not looked at. */
export type AclFilter = Partial<AclRule>;

export interface LogAdmin {
  deleteRecords(records: readonly RecordsToDelete[], options?: QueryOptions): Promise<DeletedRecords[]>;
  deleteTopics(names: readonly string[], options?: CallOptions): Promise<TopicOutcome[]>;
  /** In the order of `changes`. */
  alterTopicConfigs(
    changes: readonly TopicConfigChange[],
    options?: CallOptions,
  ): Promise<(ChangeOutcome & { topic: string })[]>;
  /** `off`: the cluster has no authorizer. Rejects with `refused` if we may not ask. */
  describeAcls(filter: AclFilter, options?: CallOptions): Promise<readonly AclRule[] | 'off'>;
  /** In the order of `rules`; code 54 SECURITY_DISABLED: the cluster has no authorizer. */
  createAcls(rules: readonly AclRule[], options?: CallOptions): Promise<ChangeOutcome[]>;
  /** In the order of `rules`; a rule that is not there is no error. */
  deleteAcls(rules: readonly AclRule[], options?: CallOptions): Promise<ChangeOutcome[]>;
}

const TOPIC_RESOURCE = 2;
/** Operations of IncrementalAlterConfigs. */
const SET = 0;
const UNSET = 1;
/** In a filter: whatever it is. */
const ANY = 1;
/** From 6 on they go by topic id, too, in another form. */
const DELETE_BY_NAME = 5;

export function deleteRecords(
  context: QueryContext,
  records: readonly RecordsToDelete[],
  options: QueryOptions,
): Promise<DeletedRecords[]> {
  const ask: Question<RecordsToDelete, DeletedRecords>['ask'] = async (nodeId, group, left) => {
    const topics = byTopic(group).map(([name, list]) => ({
      name,
      partitions: list.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
    }));
    const answer = await context.request(
      DeleteRecords,
      { topics, timeoutMs: Math.floor(left.timeoutMs ?? 0) },
      nodeId,
      left,
    );
    const found = new Map<string, DeletedRecords>();
    for (const { name: topic, partitions } of answer.topics) {
      for (const { partitionIndex: partition, errorCode, lowWatermark } of partitions) {
        found.set(keyOf(topic, partition), { topic, partition, errorCode, lowWatermark });
      }
    }
    return found;
  };
  const unanswered = ({ topic, partition }: RecordsToDelete): DeletedRecords => {
    return { topic, partition, errorCode: ERROR.LEADER_NOT_AVAILABLE, lowWatermark: -1 };
  };
  return askLeaders(context, records, options, { ask, unanswered });
}

export async function deleteTopics(
  context: AdminContext,
  names: readonly string[],
  options: CallOptions,
): Promise<TopicOutcome[]> {
  if (names.length === 0) return [];
  const body = { topicNames: [...names], timeoutMs: options.timeoutMs ?? context.adminTimeoutMs };
  const answer = await context.request(DeleteTopics, body, false, { ...options, version: DELETE_BY_NAME });
  return answer.responses.map(({ name, errorCode, errorMessage }) => {
    return { name: name ?? '', errorCode, errorMessage, topicId: ZERO_UUID };
  });
}

export async function alterTopicConfigs(
  context: AdminContext,
  changes: readonly TopicConfigChange[],
  options: CallOptions,
): Promise<(ChangeOutcome & { topic: string })[]> {
  if (changes.length === 0) return [];
  const resources = changes.map(({ topic, set = {}, unset = [] }) => ({
    resourceType: TOPIC_RESOURCE,
    resourceName: topic,
    configs: [
      ...Object.entries(set).map(([name, value]) => ({ name, configOperation: SET, value })),
      ...unset.map((name) => ({ name, configOperation: UNSET, value: null })),
    ],
  }));
  const answer = await context.request(IncrementalAlterConfigs, { resources, validateOnly: false }, true, options);
  const outcomes = new Map(answer.responses.map((each) => [each.resourceName, each]));
  return changes.map(({ topic }) => {
    const { errorCode = ERROR.UNKNOWN_SERVER_ERROR, errorMessage = null } = outcomes.get(topic) ?? {};
    return { topic, errorCode, errorMessage };
  });
}

export async function describeAcls(
  context: AdminContext,
  filter: AclFilter,
  options: CallOptions,
): Promise<readonly AclRule[] | 'off'> {
  const answer = await context.request(DescribeAcls, filterOf(filter), true, options);
  if (answer.errorCode === ERROR.SECURITY_DISABLED) return 'off';
  if (answer.errorCode !== ERROR.NONE) throw new ClientError('refused', `acls, ${errorName(answer.errorCode)}`);
  return answer.resources.flatMap(({ resourceType, resourceName, patternType, acls }) =>
    acls.map((each) => ({ resourceType, resourceName, patternType, ...each })),
  );
}

export async function createAcls(
  context: AdminContext,
  rules: readonly AclRule[],
  options: CallOptions,
): Promise<ChangeOutcome[]> {
  if (rules.length === 0) return [];
  const creations = rules.map(({ patternType: resourcePatternType, ...rule }) => ({ ...rule, resourcePatternType }));
  const answer = await context.request(CreateAcls, { creations }, true, options);
  return answer.results.map(({ errorCode, errorMessage }) => ({ errorCode, errorMessage }));
}

export async function deleteAcls(
  context: AdminContext,
  rules: readonly AclRule[],
  options: CallOptions,
): Promise<ChangeOutcome[]> {
  if (rules.length === 0) return [];
  const answer = await context.request(DeleteAcls, { filters: rules.map(filterOf) }, true, options);
  return answer.filterResults.map(({ errorCode, errorMessage }) => ({ errorCode, errorMessage }));
}

const filterOf = (filter: AclFilter) => ({
  resourceTypeFilter: filter.resourceType ?? ANY,
  resourceNameFilter: filter.resourceName ?? null,
  patternTypeFilter: filter.patternType ?? ANY,
  principalFilter: filter.principal ?? null,
  hostFilter: filter.host ?? null,
  operation: filter.operation ?? ANY,
  permissionType: filter.permissionType ?? ANY,
});
