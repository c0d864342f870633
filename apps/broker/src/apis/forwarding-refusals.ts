/**
 * Which APIs are the active controller's business, and how each says that it could not be asked: the one error, on whatever
 * the request named. Used by `forwarding.ts` for requests that no controller answered in time.
 */
import {
  AddRaftVoter,
  AlterConfigs,
  AlterPartitionReassignments,
  type Api,
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  DescribeQuorum,
  ElectLeaders,
  IncrementalAlterConfigs,
  ListPartitionReassignments,
  RemoveRaftVoter,
  type RequestOf,
  type ResponseInput,
  UnregisterBroker,
  UpdateFeatures,
  ZERO_UUID,
} from '@meridian/protocol';

interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string;
}

type Refuse = (request: never, refusal: Refusal) => unknown;

function refusing<A extends Api>(
  api: A,
  refuse: (request: RequestOf<A>, refusal: Refusal) => ResponseInput<A>,
): [number, Refuse] {
  return [api.key, refuse];
}

const asWhole = (_: unknown, refusal: Refusal): Refusal => refusal;

const REFUSALS: ReadonlyMap<number, Refuse> = new Map([
  refusing(CreateTopics, ({ topics }, refusal) => ({ topics: topics.map(({ name }) => ({ name, ...refusal })) })),
  refusing(DeleteTopics, ({ topics, topicNames }, refusal) => {
    const named = topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
    return { responses: [...topics, ...named].map(({ name, topicId }) => ({ name, topicId, ...refusal })) };
  }),
  refusing(AlterConfigs, ({ resources }, refusal) => ({ responses: ofResources(resources, refusal) })),
  refusing(CreatePartitions, ({ topics }, refusal) => ({ results: topics.map(({ name }) => ({ name, ...refusal })) })),
  refusing(ElectLeaders, ({ topicPartitions }, refusal) => ({
    errorCode: refusal.errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, ...refusal })),
    })),
  })),
  refusing(IncrementalAlterConfigs, ({ resources }, refusal) => ({ responses: ofResources(resources, refusal) })),
  refusing(AlterPartitionReassignments, (_, refusal) => ({ ...refusal, responses: [] })),
  refusing(ListPartitionReassignments, (_, refusal) => ({ ...refusal, topics: [] })),
  refusing(DescribeQuorum, (_, refusal) => ({ ...refusal, topics: [], nodes: [] })),
  refusing(UpdateFeatures, (_, refusal) => ({ ...refusal, results: [] })),
  refusing(UnregisterBroker, asWhole),
  refusing(AddRaftVoter, asWhole),
  refusing(RemoveRaftVoter, asWhole),
]);

export function isForwardable(apiKey: number): boolean {
  return REFUSALS.has(apiKey);
}

/** The answer that says this error wherever the API has room for it. Of forwardable APIs only. */
export function refusalOf(api: Api, request: unknown, refusal: Refusal): unknown {
  return REFUSALS.get(api.key)!(request as never, refusal);
}

function ofResources(
  resources: readonly { readonly resourceType: number; readonly resourceName: string }[],
  refusal: Refusal,
) {
  return resources.map(({ resourceType, resourceName }) => ({ ...refusal, resourceType, resourceName }));
}
