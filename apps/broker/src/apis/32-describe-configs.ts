/**
 * DescribeConfigs: what holds for a topic or a broker, where each value comes from and, if asked, what else was in the
 * running and what the config means. Answers from the image and the config tables alone.
 */
import { DescribeConfigs, ERROR, type RequestOf, type ResponseInput } from '@meridian/protocol';
import { BROKER_CONFIGS } from '../controller/configs/broker-configs.ts';
import { CONFIG_TYPE_IDS, type ConfigDefinition, shownValue } from '../controller/configs/definition.ts';
import {
  type BrokerConfigSources,
  brokerConfigValues,
  CONFIG_SOURCE,
  type ConfigValue,
  topicConfigValues,
} from '../controller/configs/effective.ts';
import { TOPIC_CONFIGS } from '../controller/configs/topic-configs.ts';
import { whyInvalidTopicName } from '../controller/topic-name.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Request = RequestOf<typeof DescribeConfigs>;
type Resource = Request['resources'][number];
type Described = ResponseInput<typeof DescribeConfigs>['results'][number];
type Entry = Described['configs'][number];

/** A config with its values, strongest first, before it is put into the words of the response. */
interface Found {
  readonly config: ConfigDefinition;
  readonly values: readonly ConfigValue[];
  readonly synonyms: readonly ConfigValue[];
  readonly readOnly: boolean;
}

const RESOURCE_TYPE = { topic: 2, broker: 4 } as const;

export function createDescribeConfigsHandler({
  configSources,
}: Pick<HandlerReach, 'configSources'>): Handler<typeof DescribeConfigs> {
  return {
    api: DescribeConfigs,
    handle(request) {
      return { results: request.resources.map((resource) => describe(configSources, resource, request)) };
    },
  };
}

function describe(sources: BrokerConfigSources, resource: Resource, request: Request): Described {
  const { resourceType, resourceName, configurationKeys } = resource;
  const found = find(sources, resource);
  if ('errorCode' in found) return { ...found, resourceType, resourceName, configs: [] };
  const asked = configurationKeys?.length ? new Set(configurationKeys) : undefined;
  const configs = found.filter(({ config }) => asked?.has(config.name) ?? true).map((entry) => shown(entry, request));
  return { errorCode: ERROR.NONE, errorMessage: null, resourceType, resourceName, configs };
}

type Failure = { readonly errorCode: number; readonly errorMessage: string | null };

function find(sources: BrokerConfigSources, { resourceType, resourceName }: Resource): readonly Found[] | Failure {
  if (resourceType === RESOURCE_TYPE.topic) return findTopic(sources, resourceName);
  if (resourceType === RESOURCE_TYPE.broker) return findBroker(sources, resourceName);
  return { errorCode: ERROR.INVALID_REQUEST, errorMessage: `Unsupported resource type: ${resourceType}` };
}

function findTopic(sources: BrokerConfigSources, name: string): readonly Found[] | Failure {
  const why = whyInvalidTopicName(name);
  if (why !== null) return { errorCode: ERROR.INVALID_TOPIC_EXCEPTION, errorMessage: why };
  if (!sources.image.topicsByName.has(name)) {
    return { errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: null };
  }
  return [...TOPIC_CONFIGS.values()].flatMap((config) => {
    const values = topicConfigValues(sources, name, config);
    // As in Kafka: a config without a broker config behind it has no synonyms but its own value.
    const synonyms =
      config.synonym === undefined ? values.filter(({ source }) => source === CONFIG_SOURCE.topic) : values;
    return values.length === 0 ? [] : [{ config, values, synonyms, readOnly: config.internal === true }];
  });
}

/** Broker '' is the default of all brokers and shows only what has been set there; else it has to be this broker. */
function findBroker(sources: BrokerConfigSources, name: string): readonly Found[] | Failure {
  const invalid = (errorMessage: string): Failure => ({ errorCode: ERROR.INVALID_REQUEST, errorMessage });
  if (name !== '' && !/^[+-]?\d+$/.test(name)) return invalid(`Broker id must be an integer, but it is: ${name}`);
  if (name !== '' && Number(name) !== sources.nodeId) {
    return invalid(`Unexpected broker id, expected ${sources.nodeId} or empty string, but received ${name}`);
  }
  return [...BROKER_CONFIGS.values()].flatMap((config) => {
    const all = brokerConfigValues(sources, config);
    const values = name === '' ? all.filter(({ source }) => source === CONFIG_SOURCE.dynamicDefaultBroker) : all;
    const hidden = name === '' && values.length === 0;
    return hidden ? [] : [{ config, values, synonyms: values, readOnly: config.dynamic !== true }];
  });
}

function shown({ config, values, synonyms, readOnly }: Found, request: Request): Entry {
  const show = (value: string): string => shownValue(config, value);
  const [strongest] = values;
  return {
    name: config.name,
    value: strongest === undefined ? null : show(strongest.value),
    readOnly,
    configSource: strongest?.source ?? CONFIG_SOURCE.default,
    isSensitive: false,
    synonyms: request.includeSynonyms
      ? synonyms.map(({ name, value, source }) => ({ name, value: show(value), source }))
      : [],
    configType: CONFIG_TYPE_IDS[config.type],
    documentation: request.includeDocumentation ? config.documentation : null,
  };
}
