/**
 * What the checkers of a geo run look at when everything has come to rest: what clients were told, and what every region
 * holds. Gathered by `run-geo.ts`; one promise per file in `checkers/`.
 */
import type { Timers } from '@meridian/io';
import type { Acknowledged, History } from './history.ts';
import { GEO } from './limits.ts';
import type { Mesh } from './mesh.ts';
import { copyOf, type TopicName } from './plan.ts';
import { readLog, type StoredLog } from './stored-geo.ts';
import type { Traveller } from './traveller.ts';

/** A topic of `origin`, as it lies `at` a region: where it was born, or as a copy. */
export interface GeoLog extends StoredLog {
  readonly origin: string;
  readonly topic: TopicName;
  readonly partition: number;
  readonly at: string;
}

export interface KnownGap {
  readonly at: string;
  readonly from: string;
  readonly topic: string;
  readonly partition: number;
  readonly begin: number;
  /** The first offset behind it. */
  readonly end: number;
}

export interface GeoOutcome {
  readonly mesh: Mesh;
  readonly history: History;
  readonly travellers: readonly Traveller[];
  readonly logs: readonly GeoLog[];
  /** By region. */
  readonly topicNames: ReadonlyMap<string, readonly string[]>;
  readonly gaps: readonly KnownGap[];
}

/** Violations, empty if the promise held. */
export type GeoChecker = (outcome: GeoOutcome) => string[];

export const logAt = ({ logs }: GeoOutcome, wanted: Pick<GeoLog, 'origin' | 'topic' | 'partition' | 'at'>): GeoLog => {
  const found = logs.find(
    ({ origin, topic, partition, at }) =>
      origin === wanted.origin && topic === wanted.topic && partition === wanted.partition && at === wanted.at,
  );
  if (found === undefined) throw new Error(`nothing was read of ${wanted.origin}.${wanted.topic} at ${wanted.at}`);
  return found;
};

export const origins = ({ logs }: GeoOutcome): GeoLog[] => logs.filter(({ origin, at }) => origin === at);
export const copies = ({ logs }: GeoOutcome): GeoLog[] => logs.filter(({ origin, at }) => origin !== at);
export const nameOf = ({
  origin,
  topic,
  partition,
  at,
}: Pick<GeoLog, 'origin' | 'topic' | 'partition' | 'at'>): string => `${origin}.${topic}-${partition} at ${at}`;

/** Of the topic as it is now. */
export const acknowledgedIn = (
  { history }: GeoOutcome,
  { origin, topic, partition }: Pick<GeoLog, 'origin' | 'topic' | 'partition'>,
): Acknowledged[] =>
  history.acknowledged.filter(
    (each) =>
      each.region === origin &&
      each.topic === topic &&
      each.partition === partition &&
      each.life === history.lifeOf(origin, topic),
  );

/** Everything that all regions hold now; rejects while something cannot be read. */
export async function readAllLogs(mesh: Mesh, timers: Timers): Promise<Pick<GeoOutcome, 'logs' | 'topicNames'>> {
  const logs: GeoLog[] = [];
  const topicNames = new Map<string, readonly string[]>();
  for (const at of mesh.regions) {
    const { client } = at.client('auditor');
    try {
      const { topics } = await client.metadata('all', { maxAgeMs: 0, timeoutMs: GEO.readMs });
      topicNames.set(at.name, [...topics.keys()].sort());
      for (const { name: origin } of mesh.regions)
        for (const topic of mesh.plan.topics)
          for (let partition = 0; partition < GEO.partitions; partition++) {
            const stored = origin === at.name ? topic : copyOf(origin, topic);
            logs.push({ origin, topic, partition, at: at.name, ...(await readLog(client, timers, stored, partition)) });
          }
    } finally {
      await client.close();
    }
  }
  return { logs, topicNames };
}
