/**
 * What a topic may be called. Used where topics are created, by CreateTopics and by auto-creation.
 * Invariant: names that differ only in '.' and '_' never stand side by side (Kafka's metrics could not tell them apart).
 */
import { CONTROLLER_LIMITS } from './limits.ts';

/** The metadata log's own name: never a topic. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata';

/** Null if Kafka allows the name, else Kafka's message. */
export function whyInvalidTopicName(name: string): string | null {
  const why = (reason: string): string => `Topic name is invalid: ${reason}`;
  if (name === '') return why('the empty string is not allowed');
  if (name === '.' || name === '..') return why(`'${name}' is not allowed`);
  if (name.length > CONTROLLER_LIMITS.topicNameChars) {
    return why(`the length of '${name}' is longer than the max allowed length ${CONTROLLER_LIMITS.topicNameChars}`);
  }
  if (/^[a-zA-Z0-9._-]+$/.test(name)) return null;
  return why(`'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`);
}

/** The form that colliding names share; undefined for names that collide with none. */
export function collisionKey(name: string): string | undefined {
  return /[._]/.test(name) ? name.replaceAll('.', '_') : undefined;
}

/** The region that the name's prefix is reserved for; only the mirror creates such topics. */
export function reservingRegion(name: string, regions: readonly string[]): string | undefined {
  return regions.find((region) => name.startsWith(`${region}.`));
}
