/**
 * Looks at JSON as bytes, without building objects: is it JSON at all (to show a payload as `json`), and is it safe
 * to hand to `JSON.parse` (depth, numbers that would be rounded). One pass, no recursion, no allocation.
 * Invariant: `isJson` accepts exactly what RFC 8259 does, up to its depth; UTF-8 is checked elsewhere.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;

const MAX_STACK = 1024;
/** What closes each level that is open; the scan is synchronous, so one is enough. */
const closers = new Uint8Array(MAX_STACK + 1);
const LITERALS = ['true', 'false', 'null'].map((word) => Buffer.from(word));
/** Digits of a number that certainly survive a double. */
const SAFE_DIGITS = 15;

/** Whether all of `bytes` is one JSON text, nested at most `maxDepth` deep. */
export function isJson(bytes: Uint8Array, maxDepth: number): boolean {
  let depth = 0;
  let at = skipSpace(bytes, 0);
  for (;;) {
    const first = bytes[at];
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      if (++depth > maxDepth || depth > MAX_STACK) return false;
      const closer = first === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
      closers[depth] = closer;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== closer) {
        if (closer === CLOSE_OBJECT && (at = endOfName(bytes, at)) < 0) return false;
        continue;
      }
    } else if ((at = endOfScalar(bytes, at)) < 0) return false;
    // Behind a value, or on the closer of an empty object or array: close what ends here, go on behind a comma.
    for (;;) {
      at = skipSpace(bytes, at);
      if (depth === 0) return at === bytes.length;
      const next = bytes[at];
      if (next === closers[depth]) {
        depth--;
        at++;
        continue;
      }
      if (next !== COMMA) return false;
      at = skipSpace(bytes, at + 1);
      if (closers[depth] === CLOSE_OBJECT && (at = endOfName(bytes, at)) < 0) return false;
      break;
    }
  }
}

/**
 * What `JSON.parse` would make of it: `deep` beyond `maxDepth`; `exact` if it has a number that a double may round
 * (many digits, an exponent); else `plain`. What is not JSON is any of the three.
 */
export function inspectJson(bytes: Uint8Array, maxDepth: number): 'plain' | 'exact' | 'deep' {
  let depth = 0;
  let digits = 0;
  let exact = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      const end = endOfString(bytes, at);
      if (end < 0) return exact ? 'exact' : 'plain';
      at = end - 1;
      digits = 0;
    } else if (byte >= ZERO && byte <= 0x39) {
      if (++digits > SAFE_DIGITS) exact = true;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (++depth > maxDepth) return 'deep';
      digits = 0;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth--;
      digits = 0;
    } else if ((byte | 0x20) === 0x65 && digits > 0) exact = true;
    else if (byte !== DOT) digits = 0;
  }
  return exact ? 'exact' : 'plain';
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  for (; ; at++) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
  }
}

/** Position of the member's value behind `"name":`, or −1. */
function endOfName(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== QUOTE) return -1;
  const end = endOfString(bytes, from);
  if (end < 0) return -1;
  const at = skipSpace(bytes, end);
  return bytes[at] === COLON ? skipSpace(bytes, at + 1) : -1;
}

function endOfScalar(bytes: Uint8Array, from: number): number {
  const first = bytes[from];
  if (first === undefined) return -1;
  if (first === QUOTE) return endOfString(bytes, from);
  if (first === MINUS || isDigit(first)) return endOfNumber(bytes, from);
  for (const word of LITERALS) {
    if (word[0] === first) return word.every((byte, index) => bytes[from + index] === byte) ? from + word.length : -1;
  }
  return -1;
}

function endOfString(bytes: Uint8Array, from: number): number {
  for (let at = from + 1; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return -1;
    if (byte === BACKSLASH && (at = endOfEscape(bytes, at + 1)) < 0) return -1;
  }
  return -1;
}

/** Position of the escape's last byte, or −1. */
function endOfEscape(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte !== 0x75) return byte !== undefined && '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? at : -1;
  for (let digit = 1; digit <= 4; digit++) if (!isHex(bytes[at + digit])) return -1;
  return at + 4;
}

function endOfNumber(bytes: Uint8Array, from: number): number {
  let at = bytes[from] === MINUS ? from + 1 : from;
  if (bytes[at] === ZERO) at++;
  else if ((at = endOfDigits(bytes, at)) < 0) return -1;
  if (bytes[at] === DOT && (at = endOfDigits(bytes, at + 1)) < 0) return -1;
  if (((bytes[at] ?? 0) | 0x20) === 0x65) {
    const sign = bytes[at + 1];
    at = endOfDigits(bytes, sign === MINUS || sign === 0x2b ? at + 2 : at + 1);
  }
  return at;
}

function endOfDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isDigit(bytes[at])) at++;
  return at > from ? at : -1;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= 0x39;
const isHex = (byte: number | undefined): boolean =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
