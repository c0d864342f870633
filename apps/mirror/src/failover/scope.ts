/**
 * What a fail-over is about: one name for a topic, a tenant or a region, told apart by what there is. A region's name
 * stands for all that it has, a topic's for the topic, and any other for the topics `<tenant>.…`.
 * Invariant: regions and tenants share one namespace, so a name is never both.
 */
import type { CopyFacts } from '@meridian/coordinates';
import type { FailoverScope } from './messages.ts';

export interface Scoped<T> {
  readonly scope: FailoverScope;
  /** Empty: there is nothing of that name. */
  readonly topics: readonly T[];
}

/** `from`: only what was born there. */
export function topicsOfScope<T extends { readonly origin: CopyFacts }>(
  name: string,
  from: string | undefined,
  regions: { has(name: string): boolean },
  topics: readonly T[],
): Scoped<T> {
  const candidates = topics.filter(({ origin }) => from === undefined || origin.originRegion === from);
  if (regions.has(name)) {
    const scope = { kind: 'region', name } as const;
    return { scope, topics: candidates.filter(({ origin }) => origin.originRegion === name) };
  }
  const named = candidates.filter(({ origin }) => origin.originTopic === name);
  if (named.length > 0) return { scope: { kind: 'topic', name }, topics: named };
  const ofTenant = candidates.filter(({ origin }) => origin.originTopic.startsWith(`${name}.`));
  return { scope: { kind: 'tenant', name }, topics: ofTenant };
}
