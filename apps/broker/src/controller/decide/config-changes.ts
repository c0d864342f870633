/**
 * Whether config values may be set on a topic or a broker, and the records that set them. Called by the decisions that
 * create topics and alter configs.
 */
import { ERROR, type MetadataRecordInput } from '@meridian/protocol';
import type { Requester } from '../commands.ts';
import { ABSENT_CONFIGS } from '../configs/absent-configs.ts';
import { BROKER_CONFIGS } from '../configs/broker-configs.ts';
import { type ConfigDefinition, type ConfigTable, whyInvalid } from '../configs/definition.ts';
import { CONFIG_RESOURCE_IDS } from '../configs/resource-types.ts';
import { TOPIC_CONFIGS } from '../configs/topic-configs.ts';
import type { ConfigResource } from '../image.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { Refusal } from './decision.ts';

const TABLES: Readonly<Partial<Record<ConfigResource, ConfigTable>>> = { topic: TOPIC_CONFIGS };

/** A config of a copy that the mirror alone may set or clear. */
export function isMirrorsConfig(resource: ConfigResource, name: string): boolean {
  return TABLES[resource]?.get(name)?.internal === true;
}

/**
 * For topics: refuses a name that does not exist (to clear it is nothing), that the requester may not touch,
 * or a value outside its range.
 */
export function checkConfig(resource: ConfigResource, name: string, value: string | null, requester: Requester): void {
  const refuse = (why: string): never => {
    throw new Refusal(ERROR.INVALID_CONFIG, why);
  };
  if (isMirrorsConfig(resource, name) && requester !== 'internal') refuse(`${name} is set by the mirror alone`);
  if (value === null) return;
  const config = TABLES[resource]?.get(name);
  if (config === undefined) return refuse(`Unknown ${resource} config name: ${name}`);
  checkValue(config, value, refuse);
}

/**
 * For one broker or the default of all: refuses what cannot be changed while it runs. As in Kafka, names that the
 * broker does not know are kept, for whoever reads them.
 */
export function checkBrokerConfigs(next: ReadonlyMap<string, string | null>): void {
  const refuse = (why: string): never => {
    throw new Refusal(ERROR.INVALID_REQUEST, why);
  };
  const names = [...next].flatMap(([name, value]) => (value === null ? [] : name));
  const fixed = names.filter(isFixed);
  if (fixed.length > 0) refuse(`Cannot update these configs dynamically: [${fixed.join(', ')}]`);
  for (const [name, value] of next) {
    if (name.length > CONTROLLER_LIMITS.configNameChars) refuse('The name of the config is too long');
    const config = BROKER_CONFIGS.get(name);
    if (value !== null) checkValue(config ?? { ...CUSTOM, name }, value, refuse);
  }
}

function isFixed(name: string): boolean {
  const config = BROKER_CONFIGS.get(name);
  return config === undefined ? ABSENT_CONFIGS.has(name) : config.dynamic !== true;
}

const CUSTOM: ConfigDefinition = { name: '', type: 'string', default: null, documentation: '' };

function checkValue(config: ConfigDefinition, value: string, refuse: (why: string) => never): void {
  if (value.length > CONTROLLER_LIMITS.configValueChars) refuse(`The value of ${config.name} is too long`);
  const why = whyInvalid(config, value);
  if (why !== null) refuse(why);
  if (config.name === 'remote.storage.enable' && value.trim().toLowerCase() === 'true') {
    refuse(
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    );
  }
}

/** Refuses values that are each allowed but contradict one another. `holding` gives the value that will hold. */
export function checkConfigsTogether(holding: (name: string) => string | undefined): void {
  const min = holding('min.compaction.lag.ms') ?? '0';
  const max = holding('max.compaction.lag.ms') ?? min;
  if (BigInt(min.trim()) > BigInt(max.trim())) {
    const why = `conflict topic config setting min.compaction.lag.ms (${min}) > max.compaction.lag.ms (${max})`;
    throw new Refusal(ERROR.INVALID_CONFIG, why);
  }
}

export function configRecord(
  resource: ConfigResource,
  resourceName: string,
  name: string,
  value: string | null,
): MetadataRecordInput {
  return { type: 'ConfigRecord', resourceType: CONFIG_RESOURCE_IDS[resource], resourceName, name, value };
}
