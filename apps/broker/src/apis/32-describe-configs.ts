/**
 * DescribeConfigs: what holds for a topic or a broker, where each value comes from and, if asked, what else was in the
 * running and what the config means. Answers from the image and the config tables alone.
 */
import { DescribeConfigs, ERROR, type RequestOf, type ResponseInput } from '@meridian/protocol';
import { BROKER_CONFIGS } from '../controller/configs/broker-configs.ts';
import { CLIENT_METRICS_CONFIGS } from '../controller/configs/client-metrics-configs.ts';
import { CONFIG_TYPE_IDS, type ConfigDefinition, shownValue } from '../controller/configs/definition.ts';
import {
  type BrokerConfigSources,
  brokerConfigValues,
  CONFIG_SOURCE,
  type ConfigValue,
  configDefaults,
  defaultConfigValue,
  topicConfigValues,
} from '../controller/configs/effective.ts';
import { GROUP_CONFIGS } from '../controller/configs/group-configs.ts';
import { CONFIG_RESOURCE_TYPE } from '../controller/configs/resource-types.ts';
import { TOPIC_CONFIGS } from '../controller/configs/topic-configs.ts';
import { whyInvalidTopicName } from '../controller/topic-name.ts';
import { DESCRIBED_PER_TURN } from '../limits.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Request = RequestOf<typeof DescribeConfigs>;
type Resource = Request['resources'][number];
type Described = ResponseInput<typeof DescribeConfigs>['results'][number];
type Entry = Described['configs'][number];

/** A config with what holds and what else was in the running, before it is put into the words of the response. */
interface Found {
  readonly config: ConfigDefinition;
  readonly value: string | null;
  readonly source: number;
  readonly synonyms: readonly ConfigValue[];
  readonly readOnly: boolean;
}

const { topic, broker, brokerLogger, clientMetrics, group } = CONFIG_RESOURCE_TYPE;
/** A config that the broker knows nothing of: its value is nobody's business. */
const CUSTOM_TYPE = 0;

export function createDescribeConfigsHandler({
  configSources,
  timers,
}: Pick<HandlerReach, 'configSources' | 'timers'>): Handler<typeof DescribeConfigs> {
  const nextTurn = () => new Promise<void>((resolve) => timers.defer(resolve));
  return {
    api: DescribeConfigs,
    async handle(request) {
      const results: Described[] = [];
      const seen = new Set<string>();
      for (const resource of request.resources) {
        results.push(describeOnce(configSources, resource, request, seen));
        if (results.length % DESCRIBED_PER_TURN === 0) await nextTurn();
      }
      return { results };
    },
  };
}

/** No client asks twice in one request: who does would have the same long list over and over. */
function describeOnce(
  sources: BrokerConfigSources,
  resource: Resource,
  request: Request,
  seen: Set<string>,
): Described {
  const { resourceType, resourceName } = resource;
  const key = `${resourceType} ${resourceName} ${resource.configurationKeys?.join() ?? ''}`;
  if (seen.has(key)) return { ...invalid(REPEATED), resourceType, resourceName, configs: [] };
  seen.add(key);
  return describe(sources, resource, request);
}

const REPEATED = 'Each resource must appear at most once.';

function describe(sources: BrokerConfigSources, resource: Resource, request: Request): Described {
  const { resourceType, resourceName, configurationKeys } = resource;
  const found = find(sources, resource);
  if ('errorCode' in found) return { ...found, resourceType, resourceName, configs: [] };
  const asked = configurationKeys?.length ? new Set(configurationKeys) : undefined;
  const configs = found
    .filter(({ config }) => asked?.has(config.name) ?? true)
    .map((entry) => (isCustom(entry) ? hidden(entry, request) : shown(entry, request)));
  return { errorCode: ERROR.NONE, errorMessage: '', resourceType, resourceName, configs };
}

type Failure = { readonly errorCode: number; readonly errorMessage: string | null };

function find(sources: BrokerConfigSources, { resourceType, resourceName }: Resource): readonly Found[] | Failure {
  switch (resourceType) {
    case topic:
      return findTopic(sources, resourceName);
    case broker:
      return findBroker(sources, resourceName);
    case brokerLogger:
      return whyNotThisBroker(sources, resourceName, false) ?? [];
    case clientMetrics:
      return findSubscription(sources, resourceName);
    case group:
      return findGroup(sources, resourceName);
    default:
      return invalid(UNKNOWN_TYPE);
  }
}

/** What Kafka says of any invalid request that it has no words for. */
const UNKNOWN_TYPE =
  'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.';

function invalid(errorMessage: string): Failure {
  return { errorCode: ERROR.INVALID_REQUEST, errorMessage };
}

function findTopic(sources: BrokerConfigSources, name: string): readonly Found[] | Failure {
  const why = whyInvalidTopicName(name);
  if (why !== null) return { errorCode: ERROR.INVALID_TOPIC_EXCEPTION, errorMessage: why };
  if (!sources.image.topicsByName.has(name)) {
    return { errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: '' };
  }
  return [...TOPIC_CONFIGS.values()].flatMap((config) => {
    const values = topicConfigValues(sources, name, config);
    const strongest = values[0] ?? defaultConfigValue(sources, config);
    // As in Kafka: a config without a broker config behind it has no synonyms but its own value.
    const synonyms =
      config.synonym === undefined ? values.filter(({ source }) => source === CONFIG_SOURCE.topic) : values;
    if (strongest === undefined) return [];
    const { value, source } = strongest;
    return [{ config, value, source, synonyms, readOnly: config.internal === true }];
  });
}

/** Broker '' is the default of all brokers and shows only what has been set there; else it has to be this broker. */
function findBroker(sources: BrokerConfigSources, name: string): readonly Found[] | Failure {
  const refusal = whyNotThisBroker(sources, name, true);
  if (refusal !== undefined) return refusal;
  const { image } = sources;
  const set = new Set(image.configOf('broker', '').keys());
  if (name === '') {
    return [...set].map((each) => {
      const { config, readOnly, synonyms } = brokerConfig(sources, each);
      const own = synonyms.filter(
        (value) => value.source === CONFIG_SOURCE.dynamicDefaultBroker && value.name === each,
      );
      return { config, readOnly, synonyms: own, value: own[0]!.value, source: CONFIG_SOURCE.dynamicDefaultBroker };
    });
  }
  for (const each of image.configOf('broker', name).keys()) set.add(each);
  const listed = [...BROKER_CONFIGS.values()].filter(({ unlisted }) => unlisted !== true);
  return [...new Set([...listed.map((each) => each.name), ...set])].map((each) => brokerConfig(sources, each));
}

function brokerConfig(sources: BrokerConfigSources, name: string): Found {
  const custom: ConfigDefinition = { name, type: 'string', default: null, documentation: '' };
  const config = BROKER_CONFIGS.get(name) ?? custom;
  const synonyms = brokerConfigValues(sources, config);
  const [strongest] = synonyms;
  return {
    config,
    value: strongest?.value ?? null,
    source: strongest?.source ?? CONFIG_SOURCE.default,
    synonyms,
    readOnly: config.dynamic !== true,
  };
}

function whyNotThisBroker({ nodeId }: BrokerConfigSources, name: string, mayBeAll: boolean): Failure | undefined {
  if (name === '') return mayBeAll ? undefined : invalid('Broker id must not be empty');
  if (!/^[+-]?\d+$/.test(name)) return invalid(`Broker id must be an integer, but it is: ${name}`);
  if (Number(name) === nodeId) return undefined;
  const expected = mayBeAll ? `${nodeId} or empty string` : String(nodeId);
  return invalid(`Unexpected broker id, expected ${expected}, but received ${name}`);
}

/** A subscription that nobody has made shows the defaults. */
function findSubscription({ image }: BrokerConfigSources, name: string): readonly Found[] | Failure {
  if (name === '') return invalid('Client metrics subscription name must not be empty');
  const set = image.configOf('client-metrics', name);
  return [...CLIENT_METRICS_CONFIGS.values()].map((config): Found => {
    const own = set.get(config.name);
    if (own === undefined) {
      return { config, value: config.default, source: CONFIG_SOURCE.default, synonyms: [], readOnly: false };
    }
    const source = CONFIG_SOURCE.clientMetrics;
    return { config, value: own, source, synonyms: [{ name: config.name, value: own, source }], readOnly: false };
  });
}

/** A group need not exist; what it does not have of its own is the broker's. */
function findGroup(sources: BrokerConfigSources, name: string): readonly Found[] | Failure {
  if (name === '') return invalid('Group name must not be empty');
  const set = sources.image.configOf('group', name);
  return [...GROUP_CONFIGS.values()].map((config): Found => {
    const own = set.get(config.name);
    const defaults = configDefaults(sources, config);
    const source = CONFIG_SOURCE.group;
    const synonyms = own === undefined ? defaults : [{ name: config.name, value: own, source }, ...defaults];
    const { value, source: from } = synonyms[0]!;
    return { config, value, source: from, synonyms, readOnly: false };
  });
}

function isCustom({ config, source }: Found): boolean {
  return config.documentation === '' && source !== CONFIG_SOURCE.default;
}

function shown({ config, value, source, synonyms, readOnly }: Found, request: Request): Entry {
  return {
    name: config.name,
    value: value === null ? null : shownValue(config, value),
    readOnly,
    configSource: source,
    isSensitive: false,
    synonyms: request.includeSynonyms
      ? synonyms.map((synonym) => ({ ...synonym, value: shownValue(config, synonym.value) }))
      : [],
    configType: CONFIG_TYPE_IDS[config.type],
    documentation: request.includeDocumentation ? config.documentation : null,
  };
}

function hidden({ config, source, synonyms }: Found, request: Request): Entry {
  return {
    name: config.name,
    value: null,
    readOnly: true,
    configSource: source,
    isSensitive: true,
    synonyms: request.includeSynonyms ? synonyms.map((synonym) => ({ ...synonym, value: null })) : [],
    configType: CUSTOM_TYPE,
    documentation: null,
  };
}
