/** Rare situations that only a node's own log tells: which line stands for which. Called with every line that a node logs. */
import type { Sighting, Sightings } from './sightings.ts';

const LINES: readonly (readonly [line: RegExp, what: Sighting])[] = [
  [/disk is full/, 'a disk is full'],
  [/^an in-sync set is refused/, 'an AlterPartition is refused as stale'],
  [/^a snapshot of the metadata came from the leader/, 'a snapshot is downloaded'],
];

export function noteLog(message: string, fields: object | undefined, sightings: Sightings): void {
  const { error } = (fields ?? {}) as { error?: unknown };
  const text = error === undefined ? message : `${message}: ${error instanceof Error ? error.message : String(error)}`;
  for (const [line, what] of LINES) if (line.test(text)) sightings.see(what);
}
