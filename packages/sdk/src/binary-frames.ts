/**
 * The binary frames of subprotocol `meridian.v1.bin`: u8 kind, u32 big-endian header length, the header as JSON
 * text, then record batches as they lie in the log. Packed and read by the SDK and by the gateway.
 * Invariant: reading never throws anything but a `BinaryFrameError`, and never copies the batches.
 */

const PREFIX_BYTES = 5;
/** A header is a dozen short fields; more is an attack. */
const MAX_HEADER_BYTES = 16_384;

export class BinaryFrameError extends Error {
  override readonly name = 'BinaryFrameError';
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function packBinary(kind: number, header: object, batches: readonly Uint8Array[]): Uint8Array {
  const head = encoder.encode(JSON.stringify(header));
  const size = batches.reduce((sum, batch) => sum + batch.length, PREFIX_BYTES + head.length);
  const frame = new Uint8Array(size);
  frame[0] = kind;
  new DataView(frame.buffer).setUint32(1, head.length);
  frame.set(head, PREFIX_BYTES);
  let at = PREFIX_BYTES + head.length;
  for (const batch of batches) {
    frame.set(batch, at);
    at += batch.length;
  }
  return frame;
}

/** `batches` is a view into the frame. The header is whatever JSON object the peer sent: check its fields. */
export function unpackBinary<H>(frame: Uint8Array): { kind: number; header: Partial<H>; batches: Uint8Array } {
  if (frame.length < PREFIX_BYTES) throw new BinaryFrameError(`a binary frame of ${frame.length} bytes`);
  const length = new DataView(frame.buffer, frame.byteOffset).getUint32(1);
  if (length > MAX_HEADER_BYTES || length > frame.length - PREFIX_BYTES) {
    throw new BinaryFrameError(`a binary frame's header of ${length} bytes`);
  }
  const header = parseHeader(frame.subarray(PREFIX_BYTES, PREFIX_BYTES + length));
  return { kind: frame[0] ?? 0, header: header as Partial<H>, batches: frame.subarray(PREFIX_BYTES + length) };
}

function parseHeader(bytes: Uint8Array): object {
  let header: unknown;
  try {
    header = JSON.parse(decoder.decode(bytes));
  } catch {
    throw new BinaryFrameError("a binary frame's header is not JSON");
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new BinaryFrameError("a binary frame's header is not an object");
  }
  return header;
}
