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
  clientMetrics: 7,
  group: 8,
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

/** All values of a topic config that are set or given by name, strongest first; empty if there are none at all. */
export function topicConfigValues(
  sources: BrokerConfigSources,
  topic: string,
  config: ConfigDefinition,
): ConfigValue[] {
  const own = sources.image.configOf('topic', topic).get(config.name);
  const values = configDefaults(sources, config);
  return own === undefined ? values : [{ name: config.name, value: own, source: CONFIG_SOURCE.topic }, ...values];
}

/** The same of what a topic config is where the topic says nothing: the broker config behind it, or its default. */
export function configDefaults(sources: BrokerConfigSources, config: ConfigDefinition): ConfigValue[] {
  const broker = config.synonym === undefined ? undefined : BROKER_CONFIGS.get(config.synonym);
  if (broker !== undefined) return brokerConfigValues(sources, broker);
  return config.default === null ? [] : [{ name: config.name, value: config.default, source: CONFIG_SOURCE.default }];
}

/** The value of a topic config that holds where the topic says nothing. */
export function defaultConfigValue(sources: BrokerConfigSources, config: ConfigDefinition): ConfigValue | undefined {
  const [strongest] = configDefaults(sources, config);
  if (strongest !== undefined || config.synonym === undefined) return strongest;
  const value = familyValue(sources, BROKER_CONFIGS.get(config.synonym)!);
  return value === undefined ? undefined : { name: config.name, value, source: CONFIG_SOURCE.default };
}

/**
 * All values of a broker config from the strongest to the default. Weaker members of its family are among them, as in
 * Kafka, but only behind a value of its own.
 */
export function brokerConfigValues(sources: BrokerConfigSources, config: ConfigDefinition): ConfigValue[] {
  const names = config.family?.map(({ name }) => name) ?? [config.name];
  const perName = names.map((name) => valuesOf(sources, name));
  const bySource = perName.flat().sort((a, b) => a.source - b.source);
  const first = bySource.findIndex(({ name }) => name === config.name);
  return first === -1 ? [] : bySource.slice(first);
}

/** The value of a broker config that holds, as text; undefined if it has none. */
export function brokerConfigValue(sources: BrokerConfigSources, name: string): string | undefined {
  return valuesOf(sources, name)[0]?.value.trim();
}

/** The same as a number, of a config that always has one; "no limit" becomes the largest that is exact. */
export function brokerConfigNumber(sources: BrokerConfigSources, name: string): number {
  return Math.min(Number(brokerConfigValue(sources, name)), Number.MAX_SAFE_INTEGER);
}

/** The value that holds for a topic, as text; undefined only for a config without a default that is not set. */
export function topicConfigValue(sources: BrokerConfigSources, topic: string, name: string): string | undefined {
  const own = sources.image.configOf('topic', topic).get(name);
  if (own !== undefined) return own.trim();
  const config = TOPIC_CONFIGS.get(name);
  return config && defaultConfigValue(sources, config)?.value.trim();
}

/**
 * The same as a number, for configs whose range fits one. Values beyond 2^53 mean "no limit" and become infinite.
 */
export function topicConfigNumber(sources: BrokerConfigSources, topic: string, name: string): number {
  const value = Number(topicConfigValue(sources, topic, name));
  return Number.isSafeInteger(value) || !Number.isInteger(value) ? value : Number.POSITIVE_INFINITY;
}

/** Every value that is given under this name, strongest first. */
function valuesOf({ image, nodeId, staticConfigs }: BrokerConfigSources, name: string): ConfigValue[] {
  const values: ConfigValue[] = [];
  const add = (value: string | null | undefined, source: number): void => {
    if (value !== undefined && value !== null) values.push({ name, value, source });
  };
  add(image.configOf('broker', String(nodeId)).get(name), CONFIG_SOURCE.dynamicBroker);
  add(image.configOf('broker', '').get(name), CONFIG_SOURCE.dynamicDefaultBroker);
  add(staticConfigs.get(name), CONFIG_SOURCE.staticBroker);
  add(BROKER_CONFIGS.get(name)?.default, CONFIG_SOURCE.default);
  return values;
}

/** The strongest member of a family that has a value, in the unit of the first. */
function familyValue(sources: BrokerConfigSources, { family = [] }: ConfigDefinition): string | undefined {
  for (const { name, factor } of family) {
    const value = brokerConfigValue(sources, name);
    if (value !== undefined) return (BigInt(value) * BigInt(factor)).toString();
  }
  return undefined;
}
