/**
 * One number for all that an image says: equal images, equal hashes, in whatever order their maps were filled. For
 * checks that every node sees the same metadata; takes time in proportion to the image.
 */
import { createHash } from 'node:crypto';
import { encodeMetadataRecord } from '@meridian/protocol';
import type { MetadataImage } from './image.ts';
import { imageRecords } from './image-records.ts';

/** SHA-256, hex, of the offset that the image ends at and of its records, sorted. */
export function imageHash(image: MetadataImage): string {
  const encoded = Array.from(imageRecords(image), (record) => encodeMetadataRecord(record));
  encoded.sort(Buffer.compare);
  const hash = createHash('sha256').update(`${image.endOffset}\n`);
  for (const bytes of encoded) hash.update(`${bytes.length}\n`).update(bytes);
  return hash.digest('hex');
}
