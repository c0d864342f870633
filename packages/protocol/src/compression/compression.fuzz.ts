/** Feeds any bytes to every decompressor; the first byte chooses. Nothing but `RecordBatchError` may come out. */
import { CODECS, RecordBatchError } from '../record-batch/record-batch.ts';
import { decompress } from './compression.ts';

const MAX_PLAIN_BYTES = 1_048_576;

export function fuzz(bytes: Uint8Array): void {
  const codec = CODECS[(bytes[0] ?? 0) % CODECS.length]!;
  try {
    const plain = decompress(codec, bytes.subarray(1), MAX_PLAIN_BYTES);
    if (codec !== 'none' && plain.length > MAX_PLAIN_BYTES) throw new Error(`${codec} made ${plain.length} bytes`);
  } catch (error) {
    if (!(error instanceof RecordBatchError)) throw error;
  }
}
