/**
 * Whether config values may be set on a topic or a broker, and the records that set them. Called by the decisions that
 * create topics and alter configs.
 */
import { ERROR, type MetadataRecordInput } from '@meridian/protocol';
import type { Requester } from '../commands.ts';
import { BROKER_CONFIGS } from '../configs/broker-configs.ts';
import { type ConfigDefinition, whyInvalid } from '../configs/definition.ts';
import { CONFIG_RESOURCE_IDS } from '../configs/resource-types.ts';
import { TOPIC_CONFIGS } from '../configs/topic-configs.ts';
import type { ConfigResource } from '../image.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { Refusal } from './decision.ts';

/** Refuses a name that does not exist, that the requester may not set, or a value outside its range. */
export function checkConfig(resource: ConfigResource, name: string, value: string | null, requester: Requester): void {
  const refuse = (why: string): never => {
    throw new Refusal(ERROR.INVALID_CONFIG, why);
  };
  const config = (resource === 'topic' ? TOPIC_CONFIGS : BROKER_CONFIGS).get(name);
  if (config === undefined) return refuse(`Unknown ${resource} config name: ${name}`);
  if (config.internal === true && requester !== 'internal') refuse(`${name} is set by the mirror alone`);
  if (resource === 'broker' && config.dynamic !== true) {
    throw new Refusal(ERROR.INVALID_REQUEST, `Cannot update these configs dynamically: [${name}]`);
  }
  if (value !== null) checkValue(config, value, refuse);
}

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
