/**
 * Writes JSON text straight into bytes: payloads are copied as they lie wherever JSON allows it, so that no string is
 * made of them (with strings, garbage collection took four times as long as all the rest).
 * A subscription does not name a format, so bytes are shown as `json` if they are one JSON text in UTF-8, at most
 * `maxJsonDepth` deep, byte for byte; else as `text` if they are UTF-8; else as `base64`. One scratch buffer for the process.
 * Invariant: synchronous use only, from `begin` to `take`.
 */
import { isUtf8 } from 'node:buffer';
import { isJson } from '../json/json-scan.ts';
import { LIMITS } from '../limits.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
/** Copies shorter than this are cheaper in a loop than through a native call. */
const LOOP_BYTES = 48;
/** What the scratch buffer is cut back to after a large batch. */
const KEPT_BYTES = 1024 * 1024;

let scratch = Buffer.allocUnsafeSlow(64 * 1024);
let at = 0;

export function begin(): void {
  at = 0;
  if (scratch.length > KEPT_BYTES) scratch = Buffer.allocUnsafeSlow(KEPT_BYTES);
}

/** Bytes written since `begin`. */
export function written(): number {
  return at;
}

/** What was written since `begin`; to be copied before anything else is written. */
export function take(): Buffer {
  return scratch.subarray(0, at);
}

/** Takes back what was written after `written()` was `position`. */
export function rewind(position: number): void {
  at = position;
}

export function writeComma(): void {
  room(1);
  scratch[at++] = COMMA;
}

/** ASCII text. */
export function writeAscii(text: string): void {
  room(text.length);
  at += scratch.write(text, at, 'latin1');
}

/** A payload as `{"json":…}`, `{"text":…}`, `{"base64":…}` or `null`. */
export function writePayload(payload: Uint8Array | null): void {
  if (payload === null) return writeAscii('null');
  if (!isUtf8(payload)) {
    const { buffer, byteOffset, length } = payload;
    return writeAscii(`{"base64":"${Buffer.from(buffer, byteOffset, length).toString('base64')}"}`);
  }
  if (startsLikeJson(payload[0]) && isJson(payload, LIMITS.maxJsonDepth)) {
    writeAscii('{"json":');
    writeBytes(payload);
    return writeAscii('}');
  }
  if (needsEscapes(payload)) {
    const { buffer, byteOffset, length } = payload;
    return writeUtf8(`{"text":${JSON.stringify(Buffer.from(buffer, byteOffset, length).toString('utf8'))}}`);
  }
  writeAscii('{"text":"');
  writeBytes(payload);
  writeAscii('"}');
}

export function writeUtf8(text: string): void {
  room(text.length * 3);
  at += scratch.write(text, at, 'utf8');
}

function writeBytes(bytes: Uint8Array): void {
  room(bytes.length);
  if (bytes.length > LOOP_BYTES) scratch.set(bytes, at);
  else for (let index = 0; index < bytes.length; index++) scratch[at + index] = bytes[index] as number;
  at += bytes.length;
}

function room(bytes: number): void {
  if (at + bytes <= scratch.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, at + bytes));
  scratch.copy(larger, 0, 0, at);
  scratch = larger;
}

/** JSON strings hold UTF-8 as it is, but for quotes, backslashes and control characters. */
function needsEscapes(bytes: Uint8Array): boolean {
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number;
    if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) return true;
  }
  return false;
}

/** Object, array, text, number, true, false, null, white space: anything else saves the scan. */
function startsLikeJson(byte: number | undefined): boolean {
  switch (byte) {
    case 0x7b:
    case 0x5b:
    case 0x22:
    case 0x2d:
    case 0x74:
    case 0x66:
    case 0x6e:
    case 0x20:
    case 0x0a:
    case 0x0d:
    case 0x09:
      return true;
    default:
      return byte !== undefined && byte >= 0x30 && byte <= 0x39;
  }
}
