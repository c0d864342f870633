/**
 * CreateTopics: hands the request to the controller and tells what was created. All checks are the decision's.
 */
import { CreateTopics, ERROR, type ResponseInput } from '@meridian/protocol';
import type { CreatedTopic } from '../controller/commands.ts';
import { type ConfigDefinition, shownValue } from '../controller/configs/definition.ts';
import { type BrokerConfigSources, CONFIG_SOURCE, defaultConfigValue } from '../controller/configs/effective.ts';
import { TOPIC_CONFIGS } from '../controller/configs/topic-configs.ts';
import type { Handler, HandlerReach } from './handler.ts';

type CreatedResponse = ResponseInput<typeof CreateTopics>['topics'][number];

/** First version that tells partition count and configs of what was created. */
const DETAILS_SINCE = 5;

export function createCreateTopicsHandler({
  submit,
  configSources,
}: Pick<HandlerReach, 'submit' | 'configSources'>): Handler<typeof CreateTopics> {
  return {
    api: CreateTopics,
    async handle({ topics, validateOnly }, { version, source }) {
      const result = await submit({ kind: 'createTopics', requester: source.listener, validateOnly, topics });
      const detailed = version >= DETAILS_SINCE;
      return { topics: result.topics.map((topic) => createdResponse(topic, detailed ? configSources : undefined)) };
    },
  };
}

function createdResponse(topic: CreatedTopic, sources: BrokerConfigSources | undefined): CreatedResponse {
  const { name, topicId, errorCode, errorMessage } = topic;
  if (sources === undefined || errorCode !== ERROR.NONE) {
    return { name, topicId, errorCode, errorMessage, ...(sources && { configs: [] }) };
  }
  const { numPartitions, replicationFactor } = topic;
  return {
    name,
    topicId,
    errorCode,
    errorMessage,
    numPartitions,
    replicationFactor,
    configs: configsOf(topic, sources),
  };
}

function configsOf(topic: CreatedTopic, sources: BrokerConfigSources): NonNullable<CreatedResponse['configs']> {
  return [...TOPIC_CONFIGS.values()].flatMap((config) => {
    const found = effectiveValue(topic, config, sources);
    return found === undefined ? [] : [{ ...found, readOnly: false, isSensitive: false }];
  });
}

function effectiveValue(
  topic: CreatedTopic,
  config: ConfigDefinition,
  sources: BrokerConfigSources,
): { name: string; value: string; configSource: number } | undefined {
  const { name } = config;
  const own = topic.configs.get(name);
  if (own !== undefined) return { name, value: shownValue(config, own), configSource: CONFIG_SOURCE.topic };
  const first = defaultConfigValue(sources, config);
  return first && { name, value: shownValue(config, first.value), configSource: first.source };
}
