/**
 * The value of a list config after elements have been appended or taken out. Called by the decision that alters configs.
 * Invariant: an element that is there already is not appended again; the order of the others stays.
 */
import { ERROR } from '@meridian/protocol';
import { BROKER_CONFIGS } from '../configs/broker-configs.ts';
import type { ConfigTable } from '../configs/definition.ts';
import { TOPIC_CONFIGS } from '../configs/topic-configs.ts';
import type { ConfigResource } from '../image.ts';
import { Refusal } from './decision.ts';

interface ListChange {
  readonly name: string;
  readonly value: string;
  readonly list: 'append' | 'subtract';
}

/** In Kafka, too, lists of client metrics cannot be changed like this. */
const TABLES: Readonly<Partial<Record<ConfigResource, ConfigTable>>> = { topic: TOPIC_CONFIGS, broker: BROKER_CONFIGS };

export function changedList(resource: ConfigResource, change: ListChange, now: string | undefined): string {
  const config = TABLES[resource]?.get(change.name);
  if (config?.type !== 'list')
    throw new Refusal(ERROR.INVALID_CONFIG, whyNoList(resource, change, config !== undefined));
  const before = (now ?? config.default ?? '').split(',').filter((element) => element !== '');
  const elements = change.value.split(',');
  if (change.list === 'subtract') return before.filter((element) => !elements.includes(element)).join(',');
  return [...new Set([...before, ...elements])].join(',');
}

function whyNoList(resource: ConfigResource, { name, list }: ListChange, isKnown: boolean): string {
  if (resource !== 'broker') return `Can't ${list.toUpperCase()} to key ${name} because its type is not LIST.`;
  return isKnown ? `Config value ${list} is not allowed for config key: ${name}` : `Unknown config name: ${name}`;
}
