/**
 * Kafka's `partition.metadata`: which topic a partition's folder belongs to, so that a topic that was deleted and made
 * anew under its name never finds the old one's records.
 * Invariant: a folder whose file is missing or half written belongs to whoever opens it; an older topic's is renamed,
 * durably, before its name is given again. So the file need not be durable when it is written.
 */
import type { Disk } from '@meridian/io';
import { LogError } from './errors.ts';

const FILE = 'partition.metadata';

export type FolderOwner = 'this topic' | 'another topic' | 'nobody';

/** Writes the file if the folder is nobody's; throws `topic-id-mismatch` if it is another topic's. */
export function claimFolder(disk: Disk, folder: string, topicId: string): void {
  const path = `${folder}/${FILE}`;
  switch (folderOwner(disk, folder, topicId)) {
    case 'this topic':
      return;
    case 'nobody':
      return write(disk, path, contentFor(topicId));
    case 'another topic':
      throw refusal(path, disk.readFile(path).toString('utf8'), contentFor(topicId));
  }
}

/** Also for whoever looks for a partition's folder in several places. */
export function folderOwner(disk: Disk, folder: string, topicId: string): FolderOwner {
  const path = `${folder}/${FILE}`;
  const found = disk.exists(path) ? disk.readFile(path).toString('utf8') : '';
  const expected = contentFor(topicId);
  if (found.startsWith(expected)) return 'this topic';
  return isHalfWritten(found, expected) ? 'nobody' : 'another topic';
}

function contentFor(topicId: string): string {
  return `version: 0\ntopic_id: ${Buffer.from(topicId.replaceAll('-', ''), 'hex').toString('base64url')}\n`;
}

function refusal(path: string, found: string, expected: string): LogError {
  const [version, id] = found.split('\n');
  if (version !== 'version: 0') return new LogError('newer-format', `${path}: ${version}`);
  return new LogError('topic-id-mismatch', `${path} has ${id}, expected ${expected.split('\n')[1]}`);
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
