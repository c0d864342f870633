/**
 * The mark in the metadata of a commit that the mirror made: which region's commit it is, and of which offset there.
 * By it the mirror knows its own commits again, also after a restart, and never carries a commit back to its author.
 * Invariant: what a consumer wrote as metadata comes behind the mark, and is left out where the whole would be too long.
 *
 *   meridian:<region of the commit>:<offset there>[ <the consumer's metadata>]
 */
export interface CommitMark {
  /** The region in which a consumer, or a person, made the commit. */
  readonly author: string;
  readonly offset: number;
  readonly metadata: string;
}

/** `offset.metadata.max.bytes` as brokers have it by default. */
const MAX_METADATA_BYTES = 4096;
const MARK = /^meridian:([^:\s]{1,249}):(\d{1,16})(?: ([\s\S]*))?$/;

export function readMark(metadata: string): CommitMark | undefined {
  const found = MARK.exec(metadata);
  if (found === null) return undefined;
  const offset = Number(found[2]);
  return Number.isSafeInteger(offset) ? { author: found[1]!, offset, metadata: found[3] ?? '' } : undefined;
}

export function writeMark({ author, offset, metadata }: CommitMark): string {
  const mark = `meridian:${author}:${offset}`;
  const whole = metadata === '' ? mark : `${mark} ${metadata}`;
  return Buffer.byteLength(whole) <= MAX_METADATA_BYTES ? whole : mark;
}
