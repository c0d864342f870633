/**
 * Whether a group may have these configs, in Apache Kafka's words: each for itself, then against the broker's bounds, then
 * with one another. Called by the decision that alters configs.
 */
import { ERROR } from '@meridian/protocol';
import { whyInvalid } from '../configs/definition.ts';
import { type BrokerConfigSources, brokerConfigValue } from '../configs/effective.ts';
import { GROUP_CONFIGS, groupConfigBounds } from '../configs/group-configs.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { Refusal } from './decision.ts';

const KINDS = ['consumer', 'share', 'streams'] as const;

/** `values`: all that the group will have. */
export function checkGroupConfigs(values: ReadonlyMap<string, string>, sources: BrokerConfigSources): void {
  for (const name of values.keys()) if (!GROUP_CONFIGS.has(name)) refuse(`Unknown group config name: ${name}`);
  for (const [name, value] of values) {
    if (value.length > CONTROLLER_LIMITS.configValueChars) refuse(`The value of ${name} is too long`);
    const why = whyInvalid(GROUP_CONFIGS.get(name)!, value);
    if (why !== null) refuse(why);
  }
  for (const [name, value] of values) checkBounds(name, Number(value), sources);
  for (const kind of KINDS) checkSession(kind, values, sources);
}

function checkBounds(name: string, value: number, sources: BrokerConfigSources): void {
  const { min, max } = groupConfigBounds(name);
  if (min !== undefined && value < Number(brokerConfigValue(sources, min))) {
    refuse(`${name} must be greater than or equal to ${min}`);
  }
  if (max !== undefined && value > Number(brokerConfigValue(sources, max))) {
    refuse(`${name} must be less than or equal to ${max}`);
  }
}

function checkSession(
  kind: (typeof KINDS)[number],
  values: ReadonlyMap<string, string>,
  sources: BrokerConfigSources,
): void {
  const session = `${kind}.session.timeout.ms`;
  const heartbeat = `${kind}.heartbeat.interval.ms`;
  if (!values.has(session) && !values.has(heartbeat)) return;
  const holding = (name: string) => Number(values.get(name) ?? brokerConfigValue(sources, `group.${name}`));
  if (holding(session) <= holding(heartbeat)) refuse(`${session} must be greater than ${heartbeat}`);
}

function refuse(why: string): never {
  throw new Refusal(ERROR.INVALID_CONFIG, why);
}
