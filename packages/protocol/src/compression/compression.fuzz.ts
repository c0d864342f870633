/**
 * Fuzzing of the decompressors: `npm run fuzz -- decompress-snappy`, one unit for each codec. Nothing but RecordBatchError
 * may come out, never more bytes than allowed, and no more memory than twice that.
 */
import { CODECS, RecordBatchError } from '../record-batch/record-batch.ts';
import { compress, decompress } from './compression.ts';

const MAX_PLAIN_BYTES = 262_144;

const PLAIN = [
  Buffer.alloc(0),
  Buffer.from('a'),
  Buffer.from('meridian '.repeat(60)),
  Buffer.alloc(70_000, 7),
  Buffer.from(Array.from({ length: 600 }, (_, at) => (at * at * 31) & 255)),
];

export const units = Object.fromEntries(
  CODECS.filter((codec) => codec !== 'none').map((codec) => [
    `decompress-${codec}`,
    {
      baseBytes: MAX_PLAIN_BYTES * 2,
      corpus: () => PLAIN.map((plain) => Buffer.from(compress(codec, plain))),
      fuzz: (bytes: Uint8Array) => unpack(codec, bytes),
    },
  ]),
);

/** The first byte chooses the codec. */
export function fuzz(bytes: Uint8Array): void {
  unpack(CODECS[(bytes[0] ?? 0) % CODECS.length]!, bytes.subarray(1));
}

function unpack(codec: (typeof CODECS)[number], bytes: Uint8Array): Uint8Array | undefined {
  try {
    const plain = decompress(codec, bytes, MAX_PLAIN_BYTES);
    if (codec !== 'none' && plain.length > MAX_PLAIN_BYTES) throw new Error(`${codec} made ${plain.length} bytes`);
    return plain;
  } catch (error) {
    if (!(error instanceof RecordBatchError)) throw error;
    return undefined;
  }
}
