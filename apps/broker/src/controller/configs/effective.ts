/**
 * Which value holds: a topic's own, else the broker's, else the default; and where each comes from, as DescribeConfigs
 * shows it. Called by the API handlers and, when the image has changed, by the partitions.
 */
import type { MetadataImage } from '../image.ts';
import { BROKER_CONFIGS } from './broker-configs.ts';
import type { ConfigDefinition } from './definition.ts';
import { TOPIC_CONFIGS } from './topic-configs.ts';

/** DescribeConfigs' numbers. */
export const CONFIG_SOURCE = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
} as const;

export interface ConfigValue {
  /** The name that the value was found under: the config's own or its synonym's. */
  readonly name: string;
  readonly value: string;
  readonly source: number;
}

/** Where a broker's values come from: the image, and what its process was started with. */
export interface BrokerConfigSources {
  readonly image: MetadataImage;
  readonly nodeId: number;
  /** Values by Kafka's broker config names. */
  readonly staticConfigs: ReadonlyMap<string, string>;
}

/** All values of a topic config from the strongest to the default; empty if it has none at all. */
export function topicConfigValues(
  sources: BrokerConfigSources,
  topic: string,
  config: ConfigDefinition,
): ConfigValue[] {
  const own = sources.image.configOf('topic', topic).get(config.name);
  const values = configDefaults(sources, config);
  return own === undefined ? values : [{ name: config.name, value: own, source: CONFIG_SOURCE.topic }, ...values];
}

/** What a topic config is where the topic says nothing: the values of the broker config behind it, or its default. */
export function configDefaults(sources: BrokerConfigSources, config: ConfigDefinition): ConfigValue[] {
  const broker = config.synonym === undefined ? undefined : BROKER_CONFIGS.get(config.synonym);
  if (broker !== undefined) return brokerConfigValues(sources, broker);
  return config.default === null ? [] : [{ name: config.name, value: config.default, source: CONFIG_SOURCE.default }];
}

/** All values of a broker config from the strongest to the default. */
export function brokerConfigValues(sources: BrokerConfigSources, config: ConfigDefinition): ConfigValue[] {
  const { image, nodeId, staticConfigs } = sources;
  const values: ConfigValue[] = [];
  const add = (value: string | null | undefined, source: number): void => {
    if (value !== undefined && value !== null) values.push({ name: config.name, value, source });
  };
  add(image.configOf('broker', String(nodeId)).get(config.name), CONFIG_SOURCE.dynamicBroker);
  add(image.configOf('broker', '').get(config.name), CONFIG_SOURCE.dynamicDefaultBroker);
  add(staticConfigs.get(config.name), CONFIG_SOURCE.staticBroker);
  add(config.default, CONFIG_SOURCE.default);
  return values;
}

/** The value that holds for a topic, as text; undefined only for a config without a default that is not set. */
export function topicConfigValue(sources: BrokerConfigSources, topic: string, name: string): string | undefined {
  const config = TOPIC_CONFIGS.get(name);
  return config && topicConfigValues(sources, topic, config)[0]?.value.trim();
}

/**
 * The same as a number, for configs whose range fits one. Values beyond 2^53 mean "no limit" and become infinite.
 */
export function topicConfigNumber(sources: BrokerConfigSources, topic: string, name: string): number {
  const value = Number(topicConfigValue(sources, topic, name));
  return Number.isSafeInteger(value) || !Number.isInteger(value) ? value : Number.POSITIVE_INFINITY;
}
