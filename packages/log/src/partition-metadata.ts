/**
 * Kafka's `partition.metadata`: which topic a partition's folder belongs to, so that a topic that was deleted and made
 * anew under its name never finds the old one's records.
 */
import type { Disk } from '@meridian/io';
import { LogError } from './errors.ts';

/** Writes the file if it is missing; throws `topic-id-mismatch` if it names another topic. */
export function claimFolder(disk: Disk, folder: string, topicId: string): void {
  const path = `${folder}/partition.metadata`;
  const encoded = Buffer.from(topicId.replaceAll('-', ''), 'hex').toString('base64url');
  if (!disk.exists(path)) {
    disk.replaceFile(path, Buffer.from(`version: 0\ntopic_id: ${encoded}\n`));
    return;
  }
  const [version, id] = disk.readFile(path).toString('utf8').split('\n');
  if (version !== 'version: 0') throw new LogError('newer-format', `${path}: ${version}`);
  if (id !== `topic_id: ${encoded}`) throw new LogError('topic-id-mismatch', `${path} has ${id}, expected ${encoded}`);
}
