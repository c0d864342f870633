/**
 * A WebSocket frame built once (RFC 6455 §5.2, server to client: not masked) and written to many sockets as it is.
 * Chunks make them; sockets write `parts` in order. (Measured, per frame of 300 bytes and socket: 0.8 µs in the process
 * against 1.6–2.6 µs with `ws.send`; the kernel takes 5 µs either way.)
 * Invariant: the bytes never change after construction, so any number of sockets may hold them.
 */

export interface WireFrame {
  readonly binary: boolean;
  /** Bytes of the payload, which is what a client's credits are counted in. */
  readonly payloadBytes: number;
  /** Frame header and payload, to be written one after another. */
  readonly parts: readonly Buffer[];
  /** The payload alone, for sockets that are not TCP. */
  payload(): Buffer;
}

/** Payloads up to this are copied behind their header, so that a frame is one write. */
const COPY_BYTES = 16 * 1024;

const TEXT = 0x81;
const BINARY = 0x82;

export function textFrame(text: string): WireFrame {
  return textFrameOf([Buffer.from(text, 'utf8')]);
}

/** A text frame of UTF-8 bytes, which are copied. */
export function textFrameOf(pieces: readonly Buffer[]): WireFrame {
  let payloadBytes = 0;
  for (const piece of pieces) payloadBytes += piece.length;
  const headerBytes = headerSize(payloadBytes);
  const wire = Buffer.allocUnsafeSlow(headerBytes + payloadBytes);
  writeHeader(wire, TEXT, payloadBytes);
  let at = headerBytes;
  for (const piece of pieces) at += piece.copy(wire, at);
  return { binary: false, payloadBytes, parts: [wire], payload: () => wire.subarray(headerBytes) };
}

/** `head` is what comes before `batches` in the payload. */
export function binaryFrame(head: Buffer, batches: readonly Buffer[]): WireFrame {
  let payloadBytes = head.length;
  for (const batch of batches) payloadBytes += batch.length;
  const headerBytes = headerSize(payloadBytes);
  const prefix = Buffer.allocUnsafe(headerBytes);
  writeHeader(prefix, BINARY, payloadBytes);
  const gathered = [prefix, head, ...batches];
  const parts = payloadBytes <= COPY_BYTES ? [Buffer.concat(gathered)] : [Buffer.concat([prefix, head]), ...batches];
  return { binary: true, payloadBytes, parts, payload: () => Buffer.concat(parts).subarray(headerBytes) };
}

const headerSize = (payloadBytes: number): number => (payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10);

function writeHeader(target: Buffer, opcode: number, payloadBytes: number): void {
  target[0] = opcode;
  if (payloadBytes < 126) target[1] = payloadBytes;
  else if (payloadBytes < 65_536) {
    target[1] = 126;
    target.writeUInt16BE(payloadBytes, 2);
  } else {
    target[1] = 127;
    target.writeUInt32BE(Math.floor(payloadBytes / 2 ** 32), 2);
    target.writeUInt32BE(payloadBytes >>> 0, 6);
  }
}
