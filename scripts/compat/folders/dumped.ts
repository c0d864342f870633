/**
 * Apache Kafka's `DumpLogSegments` over all files of a log dir: it must find nothing to complain of, and understand what
 * the internal topics hold.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kafkaTool } from '../../peers/kafka.ts';

const EXAMINED = /\.(log|index|timeindex|txnindex|snapshot)$/;
const COMPLAINTS = /Found|mismatch|corrupt|invalid|isvalid: false|Could not|Exception/i;
const METADATA = '__cluster_metadata-0';
const OFFSETS = '__consumer_offsets-';

/** Resolves with all that was said. */
export async function dump(folder: string): Promise<string> {
  const partitions = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const files = (isWanted: (name: string) => boolean): string[] =>
    partitions
      .filter(({ name }) => isWanted(name))
      .flatMap(({ name }) => readdirSync(join(folder, name)).map((file) => join(folder, name, file)))
      .filter((path) => EXAMINED.test(path));
  const isOffsets = (name: string): boolean => name.startsWith(OFFSETS);
  const said = await Promise.all([
    examine(
      files((name) => name !== METADATA && !isOffsets(name)),
      ['--deep-iteration'],
    ),
    examine(
      files((name) => name === METADATA),
      ['--cluster-metadata-decoder'],
    ),
    examine(files(isOffsets), ['--offsets-decoder']),
  ]);
  return said.join('\n');
}

async function examine(files: readonly string[], options: readonly string[]): Promise<string> {
  if (files.length === 0) return '';
  const args = ['--files', files.join(','), ...options];
  const said = await kafkaTool('org.apache.kafka.tools.DumpLogSegments', args);
  const complaints = said.split('\n').filter((line) => COMPLAINTS.test(line));
  assert.deepEqual(complaints, []);
  return said;
}
