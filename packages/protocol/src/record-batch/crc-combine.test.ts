import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, crcCombined, crcOfRest, crcReplaced } from './record-batch.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });

test('for every length it is what a pass over all the bytes gives', () => {
  const head = Uint8Array.from({ length: 40 }, (_, index) => index * 7 + 1);
  const other = head.map((byte) => byte ^ 0x5a);
  for (let length = 0; length <= 2_200; length++) {
    const rest = Uint8Array.from({ length }, (_, index) => (index * index) >>> 3);
    const whole = crc32c(joined(head, rest));
    expect(crcCombined(crc32c(head), crc32c(rest), length)).toBe(whole);
    expect(crcReplaced(whole, crc32c(head), crc32c(other), length)).toBe(crc32c(joined(other, rest)));
  }
});

test('whatever the parts hold, they combine, part and are replaced', () => {
  fc.assert(
    fc.property(bytes(90), bytes(5_000), (a, b) => {
      const whole = crc32c(joined(a, b));
      expect(crcCombined(crc32c(a), crc32c(b), b.length)).toBe(whole);
      expect(crcOfRest(whole, crc32c(a), b.length)).toBe(crc32c(b));
      const zeros = new Uint8Array(a.length);
      expect(crcReplaced(whole, crc32c(a), crc32c(zeros), b.length)).toBe(crc32c(joined(zeros, b)));
    }),
    { numRuns: 500 },
  );
});

test('megabytes are no other than bytes', () => {
  const head = Uint8Array.of(1, 2, 3);
  for (const length of [2 ** 20, 2 ** 20 + 1, 2 ** 22 - 1]) {
    const rest = new Uint8Array(length).fill(0xa7);
    expect(crcCombined(crc32c(head), crc32c(rest), length)).toBe(crc32c(joined(head, rest)));
  }
});

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
