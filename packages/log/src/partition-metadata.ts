/**
 * Kafka's `partition.metadata`: which topic a partition's folder belongs to, so that a topic that was deleted and made
 * anew under its name never finds the old one's records.
 * Invariant: a folder whose file is missing or half written belongs to whoever opens it; an older topic's is renamed,
 * durably, before its name is given again. So the file need not be durable when it is written.
 */
import type { Disk } from '@meridian/io';
import { LogError } from './errors.ts';

/** Writes the file if it is missing; throws `topic-id-mismatch` if it names another topic. */
export function claimFolder(disk: Disk, folder: string, topicId: string): void {
  const path = `${folder}/partition.metadata`;
  const expected = `version: 0\ntopic_id: ${Buffer.from(topicId.replaceAll('-', ''), 'hex').toString('base64url')}\n`;
  const found = disk.exists(path) ? disk.readFile(path).toString('utf8') : '';
  if (found === expected) return;
  if (isHalfWritten(found, expected)) return write(disk, path, expected);
  const [version, id] = found.split('\n');
  if (version !== 'version: 0') throw new LogError('newer-format', `${path}: ${version}`);
  if (`version: 0\n${id}\n` === expected) return;
  throw new LogError('topic-id-mismatch', `${path} has ${id}, expected ${expected.split('\n')[1]}`);
}

/** Power was lost before all of it, or its size alone, had come to the disk. */
function isHalfWritten(found: string, expected: string): boolean {
  const written = found.replace(/\0+$/, '');
  return written.length < expected.length && expected.startsWith(written);
}

function write(disk: Disk, path: string, content: string): void {
  const file = disk.open(path, 'w+');
  try {
    file.writev([Buffer.from(content)], 0);
  } finally {
    file.close();
  }
}
