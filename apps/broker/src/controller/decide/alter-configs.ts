/**
 * Decides changes of configs: each resource wholly or not at all. A value that is already set makes no record.
 */
import { ERROR, type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import type { AlterConfigs, Outcome, Requester } from '../commands.ts';
import { topicConfigValue } from '../configs/effective.ts';
import type { MetadataImage } from '../image.ts';
import { checkConfig, checkConfigsTogether, configRecord } from './config-changes.ts';
import { configSources, type DecideContext, type Decision, orRefusal, outcome, Refusal } from './decision.ts';

type Change = AlterConfigs['resources'][number];

export function decideAlterConfigs(
  image: MetadataImage,
  command: AlterConfigs,
  context: DecideContext,
): Decision<{ resources: readonly Outcome[] }> {
  const records: MetadataRecordInput[] = [];
  const resources = command.resources.map((change) => {
    const decided = orRefusal(() => alter(image, change, command.requester, context));
    if (decided instanceof Refusal) return outcome(change.name, ZERO_UUID, decided);
    records.push(...decided);
    return outcome(change.name, ZERO_UUID);
  });
  return { records: command.validateOnly ? [] : records, result: { resources } };
}

function alter(
  image: MetadataImage,
  { resource, name, changes }: Change,
  requester: Requester,
  context: DecideContext,
): MetadataRecordInput[] {
  if (resource === 'topic' && !image.topicsByName.has(name)) {
    throw new Refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION, 'The topic does not exist.');
  }
  if (resource === 'broker' && name !== '' && !image.brokers.has(Number(name))) {
    throw new Refusal(ERROR.INVALID_REQUEST, `No broker with id ${name} found.`);
  }
  for (const change of changes) checkConfig(resource, change.name, change.value, requester);
  const next = new Map(changes.map((change) => [change.name, change.value]));
  if (resource === 'topic') {
    const sources = configSources(image, context);
    checkConfigsTogether((config) => next.get(config) ?? topicConfigValue(sources, name, config));
  }
  const now = image.configOf(resource, name);
  return [...next].flatMap(([config, value]) =>
    (now.get(config) ?? null) === value ? [] : [configRecord(resource, name, config, value)],
  );
}
