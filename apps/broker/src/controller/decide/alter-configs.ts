/**
 * Decides changes of configs, with Apache Kafka's checks: each resource wholly or not at all. A value that is already set
 * makes no record.
 * Invariant: what only the mirror may set, only the mirror clears; replacing all configs of a copy leaves it alone.
 */
import { ERROR, type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import type { AlterConfigs, Outcome, Requester } from '../commands.ts';
import { topicConfigValue } from '../configs/effective.ts';
import type { MetadataImage } from '../image.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { whyInvalidTopicName } from '../topic-name.ts';
import { changedList } from './changed-list.ts';
import { checkClientMetricsConfigs } from './client-metrics-changes.ts';
import {
  checkBrokerConfigs,
  checkConfig,
  checkConfigsTogether,
  configRecord,
  isMirrorsConfig,
} from './config-changes.ts';
import { configSources, type DecideContext, type Decision, orRefusal, outcome, Refusal } from './decision.ts';
import { checkGroupConfigs } from './group-config-changes.ts';
import { checkMinIsr, minIsrChanges } from './min-insync-replicas.ts';
import { checkPromotion } from './promotion.ts';

type Change = AlterConfigs['resources'][number];
/** Values by name; null clears. */
type Values = Map<string, string | null>;

export function decideAlterConfigs(
  image: MetadataImage,
  command: AlterConfigs,
  context: DecideContext,
): Decision<{ resources: readonly Outcome[] }> {
  const records: MetadataRecordInput[] = [];
  const isTooMuch = asksForTooMuch(command);
  const resources = command.resources.map((change) => {
    const decided = isTooMuch ? TOO_MUCH : orRefusal(() => alter(image, change, command.requester, context));
    if (decided instanceof Refusal) return outcome(change.name, ZERO_UUID, decided);
    records.push(...decided);
    return outcome(change.name, ZERO_UUID);
  });
  return { records: command.validateOnly ? [] : records, result: { resources } };
}

const TOO_MUCH = new Refusal(ERROR.POLICY_VIOLATION, 'Excessively large number of configs per request.');

function asksForTooMuch({ resources }: AlterConfigs): boolean {
  const changes = resources.flatMap((resource) => resource.changes);
  const chars = changes.reduce((sum, { name, value }) => sum + name.length + (value?.length ?? 0), 0);
  return changes.length > CONTROLLER_LIMITS.configsPerRequest || chars > CONTROLLER_LIMITS.configCharsPerRequest;
}

function alter(
  image: MetadataImage,
  change: Change,
  requester: Requester,
  context: DecideContext,
): MetadataRecordInput[] {
  const { resource, name } = change;
  const now = image.configOf(resource, name);
  const next = nextValues(change, now, requester);
  checkValues(image, change, next, requester, context);
  checkExists(image, change);
  if (resource === 'topic') checkPromotion(now, next, image.topicsByName.get(name)!.partitions.length);
  checkRoom(image, change, now, next);
  const changed = new Map([...next].filter(([config, value]) => (now.get(config) ?? null) !== value));
  checkMinIsr(image, { resource, name, next });
  return [
    ...[...changed].map(([config, value]) => configRecord(resource, name, config, value)),
    ...minIsrChanges(image, context, { resource, name, next: changed }),
  ];
}

function nextValues({ resource, changes, replaces }: Change, now: ReadonlyMap<string, string>, requester: Requester) {
  const next: Values = new Map();
  if (replaces === true) {
    for (const name of now.keys()) {
      if (requester === 'internal' || !isMirrorsConfig(resource, name)) next.set(name, null);
    }
  }
  for (const change of changes) {
    const { name, value, list } = change;
    next.set(
      name,
      list === undefined ? value : changedList(resource, { name, value: value ?? '', list }, now.get(name)),
    );
  }
  return next;
}

function checkValues(
  image: MetadataImage,
  { resource, name }: Change,
  next: Values,
  requester: Requester,
  context: DecideContext,
): void {
  if (resource === 'broker') return checkBrokerConfigs(next);
  if (resource === 'client-metrics') return checkClientMetricsConfigs(name, next);
  if (resource === 'group') return checkGroup(image, name, next, context);
  if (resource === 'topic') {
    if (name === '') throw noDefault('topic');
    const why = whyInvalidTopicName(name);
    if (why !== null) throw new Refusal(ERROR.INVALID_TOPIC_EXCEPTION, why);
  }
  for (const [config, value] of next) checkConfig(resource, config, value, requester);
  if (resource !== 'topic') return;
  const sources = configSources(image, context);
  checkConfigsTogether((config) => next.get(config) ?? topicConfigValue(sources, name, config));
}

function checkGroup(image: MetadataImage, name: string, next: Values, context: DecideContext): void {
  if (name === '') throw noDefault('group');
  if (name.length > CONTROLLER_LIMITS.configNameChars) {
    throw new Refusal(ERROR.INVALID_REQUEST, 'The name of the group is too long');
  }
  const values = new Map(image.configOf('group', name));
  for (const [config, value] of next) {
    if (value === null) values.delete(config);
    else values.set(config, value);
  }
  checkGroupConfigs(values, configSources(image, context));
}

function noDefault(resource: string): Refusal {
  return new Refusal(ERROR.INVALID_REQUEST, `Default ${resource} resources are not allowed.`);
}

function checkExists(image: MetadataImage, { resource, name }: Change): void {
  if (resource === 'topic' && !image.topicsByName.has(name)) {
    throw new Refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`);
  }
  if (resource === 'broker' && name !== '' && !image.brokers.has(Number(name))) {
    throw new Refusal(ERROR.BROKER_ID_NOT_REGISTERED, `No node with id ${name} found.`);
  }
}

const MOST = {
  'client-metrics': [CONTROLLER_LIMITS.clientMetricsSubscriptions, 'subscriptions'],
  group: [CONTROLLER_LIMITS.configuredGroups, 'groups with configs of their own'],
} as const;

/** Only names that nobody has to know could grow without end. */
function checkRoom(image: MetadataImage, { resource }: Change, now: ReadonlyMap<string, string>, next: Values): void {
  const added = [...next].filter(([name, value]) => value !== null && !now.has(name)).length;
  if (now.size + added > CONTROLLER_LIMITS.configsPerResource) {
    throw new Refusal(ERROR.POLICY_VIOLATION, 'Excessively large number of configs of one resource.');
  }
  if (now.size > 0 || added === 0 || (resource !== 'client-metrics' && resource !== 'group')) return;
  const [most, what] = MOST[resource];
  if ([...image.configuredNames(resource)].length >= most) {
    throw new Refusal(ERROR.POLICY_VIOLATION, `Excessively large number of ${what}.`);
  }
}
