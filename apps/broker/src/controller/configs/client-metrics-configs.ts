/**
 * The configs of a client-metrics subscription (KIP-714): which metrics are asked of which clients, how often. Read by the
 * config APIs and by `telemetry/`, which follows them.
 */
import { type ConfigTable, configTable, splitList } from './definition.ts';

export const CLIENT_METRICS_CONFIG = { interval: 'interval.ms', match: 'match', metrics: 'metrics' } as const;

const MIN_INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 3_600_000;
const MATCHED = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
] as const;

/** What a pattern may be about. */
export type MatchedFact = (typeof MATCHED)[number];

export const CLIENT_METRICS_CONFIGS: ConfigTable = configTable([
  {
    name: CLIENT_METRICS_CONFIG.interval,
    type: 'int',
    default: '300000',
    documentation: 'Time between two pushes of a client’s metrics.',
  },
  {
    name: CLIENT_METRICS_CONFIG.match,
    type: 'list',
    default: '',
    documentation:
      'Which clients the subscription is for: fact=regular expression, all of which must match; all clients if empty.',
  },
  {
    name: CLIENT_METRICS_CONFIG.metrics,
    type: 'list',
    default: '',
    documentation: 'Prefixes of the names of the metrics that are asked for; * for all.',
  },
]);

/** Null, or why the interval cannot be. */
export function whyInvalidInterval(value: number): string | null {
  if (value >= MIN_INTERVAL_MS && value <= MAX_INTERVAL_MS) return null;
  return `Invalid value ${value} for ${CLIENT_METRICS_CONFIG.interval}, interval must be between 100 and 3600000 (1 hour)`;
}

/** The patterns of a `match` value, or the one that is wrong. */
export function parseMatch(text: string): ReadonlyMap<MatchedFact, RegExp> | { readonly wrong: string } {
  const patterns = new Map<MatchedFact, RegExp>();
  for (const each of splitList(text)) {
    const [fact = '', pattern = '', ...more] = each.split('=');
    const known = MATCHED.find((name) => name === fact.trim());
    const expression = more.length === 0 && pattern !== '' ? compile(pattern.trim()) : undefined;
    if (known === undefined || expression === undefined) return { wrong: each };
    patterns.set(known, expression);
  }
  return patterns;
}

/** Repetitions in one pattern; with `MATCHED_CHARS` they bound the time that a match can take. */
const MAX_REPETITIONS = 3;
/** So much of a fact is looked at. */
export const MATCHED_CHARS = 128;

/** Matches the whole text. Narrower than Java's: what could take for ever (repeated groups, references) is no pattern. */
function compile(pattern: string): RegExp | undefined {
  if (/\)[*+?{]|\(\?|\\[1-9k]/.test(pattern)) return undefined;
  if ((pattern.match(/[*+{]/g) ?? []).length > MAX_REPETITIONS) return undefined;
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch {
    return undefined;
  }
}
