/**
 * Who does which unit of a region's work: each unit goes to the member with the highest hash for it (rendezvous). Every
 * mirror computes it by itself from the members that all were told. Pure.
 * Invariant: when a member comes or goes, only units that it gets or had change hands.
 */
import { createHash } from 'node:crypto';

/** Everything of a link that is done once: copies made, grown and kept alike. */
export const keeperUnit = (link: string): string => `${link} keeper`;

export const partitionUnit = (link: string, topicId: string, partition: number): string =>
  `${link} ${topicId} ${partition}`;

/** Undefined: there are no members. */
export function ownerOf(unit: string, members: readonly string[]): string | undefined {
  let owner: string | undefined;
  let highest = -1;
  for (const member of members) {
    const weight = weightOf(member, unit);
    if (weight > highest || (weight === highest && owner !== undefined && member < owner)) {
      highest = weight;
      owner = member;
    }
  }
  return owner;
}

/** 48 bits; a pair of names that could be read in two ways is none, as members have no newline in them. */
function weightOf(member: string, unit: string): number {
  return createHash('sha1').update(`${member}\n${unit}`).digest().readUIntBE(0, 6);
}
