/**
 * What MirrorMaker 2 calls its topics under the default policy, and how it makes them: compacted, and those that are
 * not `heartbeats` with one partition. Invariant: an alias is a region's name and so has no dot, or names would be ambiguous.
 */
export const HEARTBEATS_TOPIC = 'heartbeats';

export const MM2_TOPIC_CONFIGS = { 'cleanup.policy': 'compact' } as const;

/** At the target; `sourceAlias` is where the groups are. */
export const checkpointsTopic = (sourceAlias: string): string => `${sourceAlias}.checkpoints.internal`;

/** At the source; `targetAlias` is where the copies are. */
export const offsetSyncsTopic = (targetAlias: string): string => `mm2-offset-syncs.${targetAlias}.internal`;

/** Topics that MirrorMaker 2 and Connect keep for themselves and never mirror. */
export function isMm2Internal(topic: string): boolean {
  return topic.endsWith('.internal') || topic.endsWith('-internal') || topic.startsWith('__') || topic.startsWith('.');
}
