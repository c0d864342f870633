/**
 * Topics: created, grown and described through whichever broker answers. Used by the mirror for its copies, by the
 * gateway and by the command line. Invariant: a result per topic; a topic's own failure is its `errorCode`.
 */
import {
  type Api,
  CreatePartitions,
  CreateTopics,
  DescribeConfigs,
  type RequestInput,
  type ResponseOf,
} from '@meridian/protocol';
import type { CallOptions, ConfigValue, SendOptions, TopicConfigs, TopicOutcome, TopicToCreate } from './types.ts';

export interface AdminContext {
  readonly adminTimeoutMs: number;
  /** Of any broker. `isHarmless`: it may be carried out twice. */
  request<A extends Api>(
    api: A,
    body: RequestInput<A>,
    isHarmless: boolean,
    options: SendOptions,
  ): Promise<ResponseOf<A>>;
}

const TOPIC_RESOURCE = 2;
/** `configSource` of a value that was set on the topic itself. */
const SET_ON_TOPIC = 1;

export async function createTopics(
  context: AdminContext,
  topics: readonly TopicToCreate[],
  options: CallOptions,
): Promise<TopicOutcome[]> {
  const body = {
    timeoutMs: options.timeoutMs ?? context.adminTimeoutMs,
    topics: topics.map(({ name, numPartitions, replicationFactor = -1, configs = {} }) => ({
      name,
      numPartitions,
      replicationFactor,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
  };
  const answer = await context.request(CreateTopics, body, false, options);
  return answer.topics.map(({ name, errorCode, errorMessage, topicId }) => ({
    name,
    errorCode,
    errorMessage,
    topicId,
  }));
}

export async function createPartitions(
  context: AdminContext,
  topics: readonly { name: string; count: number }[],
  options: CallOptions,
): Promise<{ name: string; errorCode: number; errorMessage: string | null }[]> {
  const timeoutMs = options.timeoutMs ?? context.adminTimeoutMs;
  const wanted = topics.map(({ name, count }) => ({ name, count, assignments: null }));
  const answer = await context.request(
    CreatePartitions,
    { timeoutMs, validateOnly: false, topics: wanted },
    false,
    options,
  );
  return answer.results.map(({ name, errorCode, errorMessage }) => ({ name, errorCode, errorMessage }));
}

export async function describeTopicConfigs(
  context: AdminContext,
  names: readonly string[],
  options: CallOptions,
): Promise<Map<string, TopicConfigs>> {
  if (names.length === 0) return new Map();
  const resources = names.map((resourceName) => ({
    resourceType: TOPIC_RESOURCE,
    resourceName,
    configurationKeys: null,
  }));
  const answer = await context.request(DescribeConfigs, { resources }, true, options);
  const found = new Map<string, TopicConfigs>();
  for (const { resourceName, errorCode, configs } of answer.results) {
    const values = new Map<string, ConfigValue>();
    for (const { name, value, configSource } of configs)
      values.set(name, { value, isSet: configSource === SET_ON_TOPIC });
    found.set(resourceName, { errorCode, values });
  }
  return found;
}
