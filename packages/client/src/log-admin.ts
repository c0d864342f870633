/**
 * Topics changed and cut from outside, and who may read them: DeleteRecords 21 (at leaders), DeleteTopics 20,
 * IncrementalAlterConfigs 44, Describe-, Create- and DeleteAcls 29 to 31. For the mirror's copies.
 * Invariant: an outcome per thing asked for; its own failure is its `errorCode`.
 */
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
