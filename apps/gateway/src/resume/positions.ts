/**
 * The positions that a client resumes from: its cursor, advanced by the coordinates it has processed since.
 * Invariant: `after` only ever advances a position; one per origin and partition comes out.
 */
import type { Coordinates } from '@meridian/sdk/frames';
import type { CursorPosition } from '@meridian/tenancy';

/** By `positionKey`. */
export type Positions = Map<string, CursorPosition>;

export const positionKey = (region: string, partition: number): string => `${region} ${partition}`;

export function resumePositions(cursor: readonly CursorPosition[], after: readonly Coordinates[]): Positions {
  const positions: Positions = new Map();
  for (const position of cursor) positions.set(positionKey(position.region, position.partition), position);
  for (const { region, topicId, partition, epoch, offset } of after) {
    const key = positionKey(region, partition);
    const known = positions.get(key);
    const next = { region, topicId, partition, epoch, offset: offset + 1 };
    // Of another topic id: the topic was re-created after the cursor; what the client saw last counts.
    if (known === undefined || known.topicId !== topicId || next.offset > known.offset) positions.set(key, next);
  }
  return positions;
}
