/**
 * The positions that a client resumes from: its cursor, advanced by the coordinates it has processed since.
 * Invariant: `after` only ever advances a position; one per origin and partition comes out.
 */
import type { Coordinates } from '@meridian/sdk/frames';
import type { CursorPosition } from '@meridian/tenancy';

/** By `positionKey`. */
export type Positions = Map<string, CursorPosition>;

export const positionKey = (region: string, partition: number): string => `${region} ${partition}`;

/** The id of the topic that this region has from `region` now; undefined if it has none. */
export type CurrentTopicId = (region: string) => string | undefined;

export function resumePositions(
  cursor: readonly CursorPosition[],
  after: readonly Coordinates[],
  currentId: CurrentTopicId,
): Positions {
  const positions: Positions = new Map();
  for (const position of cursor) positions.set(positionKey(position.region, position.partition), position);
  for (const { region, topicId, partition, epoch, offset } of after) {
    const key = positionKey(region, partition);
    const next = { region, topicId, partition, epoch, offset: offset + 1 };
    if (advances(positions.get(key), next, currentId)) positions.set(key, next);
  }
  return positions;
}

/** Offsets of two topics cannot be compared: only the topic that is there now may take another one's place. */
function advances(known: CursorPosition | undefined, next: CursorPosition, currentId: CurrentTopicId): boolean {
  if (known === undefined) return true;
  if (known.topicId === next.topicId) return next.offset > known.offset;
  return currentId(next.region) === next.topicId;
}
