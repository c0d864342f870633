/**
 * What a config is: name, type, range, default, documentation; and the reading of a value by it. The tables beside this
 * file are made of these; CreateTopics, AlterConfigs and DescribeConfigs read them.
 * Values stay text, as they were given, wherever they are kept; messages are Apache Kafka's.
 */

import { isOffsetReset } from './offset-reset.ts';

export type ConfigType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list';

export interface ConfigDefinition {
  readonly name: string;
  readonly type: ConfigType;
  /** null: no value unless one is set, and then not shown by DescribeConfigs. */
  readonly default: string | null;
  readonly min?: number;
  readonly max?: number;
  /** A value outside `min`…`max` that is allowed too. */
  readonly or?: number;
  readonly oneOf?: readonly string[];
  readonly form?: 'throttled-replicas' | 'offset-reset';
  /** The broker config that gives topics their default. */
  readonly synonym?: string;
  /** Only the internal listener may set it; shown read-only to clients. */
  readonly internal?: boolean;
  /** Shown by DescribeConfigs only where it has been set: Kafka calls it internal, or knows it only as set. */
  readonly unlisted?: boolean;
  /** Can be changed while the broker runs. */
  readonly dynamic?: boolean;
  /** All configs that say this in one unit or another, strongest first; one without a value leaves it to the next. */
  readonly family?: ConfigFamily;
  readonly documentation: string;
}

/** Names with the factor that makes a value of theirs one of the first. */
export type ConfigFamily = readonly { readonly name: string; readonly factor: number }[];

/** A table of definitions by name, in the order of their names. */
export type ConfigTable = ReadonlyMap<string, ConfigDefinition>;

export function configTable(definitions: readonly ConfigDefinition[]): ConfigTable {
  const sorted = [...definitions].sort((a, b) => (a.name < b.name ? -1 : 1));
  return new Map(sorted.map((definition) => [definition.name, definition]));
}

/** DescribeConfigs' numbers of the types. */
export const CONFIG_TYPE_IDS: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
};

/** Null if `text` is a value of this config, else why not. */
export function whyInvalid(definition: ConfigDefinition, text: string): string | null {
  const refuse = (shown: string, why: string): string =>
    `Invalid value ${shown} for configuration ${definition.name}: ${why}`;
  const trimmed = text.trim();
  switch (definition.type) {
    case 'boolean':
      return /^(true|false)$/i.test(trimmed) ? null : refuse(text, 'Expected value to be either true or false');
    case 'string':
      return refuseWith(refuse, trimmed, whyNoText(definition, trimmed));
    case 'list':
      return refuseWith(refuse, listShown(definition, trimmed), whyNoList(definition, splitList(trimmed)));
    default:
      if (!isNumber(definition.type, trimmed)) {
        return refuse(text, `Not a number of type ${definition.type.toUpperCase()}`);
      }
      return refuseWith(refuse, shownNumber(definition.type, trimmed), whyOutOfRange(definition, Number(trimmed)));
  }
}

/** A valid value as Kafka shows it: trimmed, numbers and lists in their plain form. */
export function shownValue(definition: ConfigDefinition, text: string): string {
  const trimmed = text.trim();
  if (definition.type === 'boolean') return trimmed.toLowerCase();
  if (definition.type === 'list') return splitList(trimmed).join(',');
  if (definition.type === 'string' || definition.type === 'double') return trimmed;
  return shownNumber(definition.type, trimmed);
}

/** The elements of a list value. */
export function splitList(text: string): string[] {
  return text.trim() === '' ? [] : text.trim().split(/\s*,\s*/);
}

function refuseWith(refuse: (shown: string, why: string) => string, shown: string, why: string | null): string | null {
  return why === null ? null : refuse(shown, why);
}

function whyNoText(definition: ConfigDefinition, text: string): string | null {
  if (definition.form !== 'offset-reset') return whyNotOneOf(definition, [text]);
  if (isOffsetReset(text)) return null;
  return `Invalid value \`${text}\` for configuration ${definition.name}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`;
}

function whyNotOneOf(definition: ConfigDefinition, values: readonly string[]): string | null {
  const { oneOf } = definition;
  if (oneOf === undefined || values.every((value) => oneOf.includes(value))) return null;
  return `String must be one of: ${oneOf.join(', ')}`;
}

function whyNoList(definition: ConfigDefinition, values: readonly string[]): string | null {
  if (definition.form !== 'throttled-replicas') return whyNotOneOf(definition, values);
  if ((values.length === 1 && values[0] === '*') || values.every((value) => /^\d+:\d+$/.test(value))) return null;
  return `${definition.name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`;
}

/** Lists are shown with brackets where the whole is at fault, and by the first wrong element otherwise. */
function listShown(definition: ConfigDefinition, trimmed: string): string {
  const values = splitList(trimmed);
  if (definition.form === 'throttled-replicas') return `[${values.join(', ')}]`;
  return values.find((value) => whyNotOneOf(definition, [value]) !== null) ?? trimmed;
}

const LONG_MAX = 2n ** 63n - 1n;
const MAX: Readonly<Partial<Record<ConfigType, bigint>>> = { int: 2n ** 31n - 1n, short: 2n ** 15n - 1n };

function isNumber(type: ConfigType, text: string): boolean {
  if (type === 'double') return text !== '' && Number.isFinite(Number(text)) && !/^[+-]?0[xbo]/i.test(text);
  if (!/^[+-]?\d{1,19}$/.test(text)) return false;
  const value = BigInt(text.replace('+', ''));
  const max = MAX[type] ?? LONG_MAX;
  return value <= max && value >= -max - 1n;
}

function shownNumber(type: ConfigType, text: string): string {
  if (type !== 'double') return BigInt(text.replace('+', '')).toString();
  return Number.isInteger(Number(text)) ? `${Number(text)}.0` : String(Number(text));
}

function whyOutOfRange({ min, max, or }: ConfigDefinition, value: number): string | null {
  const tooLow = min !== undefined && value < min;
  const tooHigh = max !== undefined && value > max;
  if ((!tooLow && !tooHigh) || value === or) return null;
  if (or !== undefined) return `Value must be between ${min} and ${max} or equal to ${or}`;
  return tooLow ? `Value must be at least ${min}` : `Value must be no more than ${max}`;
}
