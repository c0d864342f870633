/**
 * What a client is asked to push: all subscriptions that match it, put together. Called by `client-instances.ts`.
 * Invariant: the same configs give the same client the same subscription id, on every broker.
 */
import { nativeCrc32c } from '@meridian/protocol';
import {
  CLIENT_METRICS_CONFIG,
  MATCHED_CHARS,
  type MatchedFact,
  parseMatch,
} from '../controller/configs/client-metrics-configs.ts';
import { splitList } from '../controller/configs/definition.ts';
import type { MetadataImage } from '../controller/image.ts';

export interface ClientSubscription {
  readonly id: number;
  readonly metrics: readonly string[];
  readonly pushIntervalMs: number;
}

/** What is known of a client, as patterns match it. */
export type ClientFacts = Readonly<Record<MatchedFact, string>>;

const DEFAULT_INTERVAL_MS = 300_000;
const ALL_METRICS = '*';

export function subscriptionOf(image: MetadataImage, facts: ClientFacts): ClientSubscription {
  const asked = new Set<string>();
  let pushIntervalMs = DEFAULT_INTERVAL_MS;
  for (const name of image.configuredNames('client-metrics')) {
    const values = image.configOf('client-metrics', name);
    if (!matches(values.get(CLIENT_METRICS_CONFIG.match) ?? '', facts)) continue;
    for (const metric of splitList(values.get(CLIENT_METRICS_CONFIG.metrics) ?? '')) asked.add(metric);
    const intervalMs = Number(values.get(CLIENT_METRICS_CONFIG.interval) ?? DEFAULT_INTERVAL_MS);
    pushIntervalMs = Math.min(pushIntervalMs, intervalMs);
  }
  const metrics = asked.has(ALL_METRICS) ? [ALL_METRICS] : [...asked].sort();
  return { id: idOf(metrics, pushIntervalMs, facts.client_instance_id), metrics, pushIntervalMs };
}

function matches(text: string, facts: ClientFacts): boolean {
  const patterns = parseMatch(text);
  if ('wrong' in patterns) return false;
  return [...patterns].every(([fact, pattern]) => pattern.test(facts[fact].slice(0, MATCHED_CHARS)));
}

function idOf(metrics: readonly string[], pushIntervalMs: number, instanceId: string): number {
  const bytes = Buffer.from(`${metrics.join(',')} ${pushIntervalMs} ${instanceId}`);
  return nativeCrc32c(bytes, 0, bytes.length) | 0;
}
