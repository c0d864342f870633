/**
 * A writer and a reader of the small signed texts (cursors, sessions): bytes, short texts, unsigned varints up to
 * 2^53 − 1. Only `cursor.ts` and `session-token.ts` use it.
 * Invariant: the reader never goes past its end; anything odd is `undefined` thrown as the caller's own error.
 */

export interface ByteWriter {
  uint8(value: number): void;
  uvarint(value: number): void;
  text(value: string): void;
  bytes(value: Uint8Array): void;
  done(): Buffer;
}

export function createByteWriter(): ByteWriter {
  const parts: number[] = [];
  const bytes = (value: Uint8Array): void => {
    for (const byte of value) parts.push(byte);
  };
  return {
    uint8: (value) => void parts.push(value),
    uvarint(value) {
      let rest = value;
      for (; rest >= 0x80; rest = Math.floor(rest / 128)) parts.push((rest % 128) | 0x80);
      parts.push(rest);
    },
    text(value) {
      const encoded = Buffer.from(value, 'utf8');
      parts.push(encoded.length);
      bytes(encoded);
    },
    bytes,
    done: () => Buffer.from(parts),
  };
}

export interface ByteReader {
  uint8(): number;
  uvarint(): number;
  text(): string;
  bytes(length: number): Buffer;
  readonly remaining: number;
}

/** Calls `fail`, which throws, when the bytes end too early or a number is out of range. */
export function createByteReader(source: Buffer, fail: () => never): ByteReader {
  let at = 0;
  const take = (length: number): number => {
    if (length > source.length - at) fail();
    at += length;
    return at - length;
  };
  const uint8 = (): number => source[take(1)] as number;
  const bytes = (length: number): Buffer => {
    const from = take(length);
    return source.subarray(from, from + length);
  };
  return {
    uint8,
    bytes,
    uvarint() {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = uint8();
        value += (byte & 0x7f) * scale;
        if (value > Number.MAX_SAFE_INTEGER || scale > 2 ** 49) fail();
        if (byte < 0x80) return value;
      }
    },
    text: () => bytes(uint8()).toString('utf8'),
    get remaining() {
      return source.length - at;
    },
  };
}
