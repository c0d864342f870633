/**
 * CRC-32C of bytes of which a part has changed, without a pass over the rest: polynomial arithmetic on the CRCs of the
 * parts. For whoever rewrites a batch's header (the mirror) or compares payloads behind different headers.
 * Invariant: what comes out is what `crc32c` of all the bytes would be, if what went in was.
 */
const POLYNOMIAL = 0x82f63b78;
/** x^(8 · 2^k) modulo the polynomial, reflected: multiplying by it appends 2^k zero bytes. */
const POWERS = buildPowers();

/** CRC of A followed by B, from the CRCs of both and the length of B. */
export function crcCombined(crcOfA: number, crcOfB: number, bytesOfB: number): number {
  return (shifted(crcOfA, bytesOfB) ^ crcOfB) >>> 0;
}

/** CRC of B alone, from that of A followed by B. */
export function crcOfRest(crcOfBoth: number, crcOfA: number, bytesOfB: number): number {
  return crcCombined(crcOfA, crcOfBoth, bytesOfB);
}

/** CRC of A' followed by B, from that of A followed by B; A' is as long as A. */
export function crcReplaced(crcOfBoth: number, crcOfA: number, crcOfNewA: number, bytesOfB: number): number {
  return (crcOfBoth ^ shifted(crcOfA ^ crcOfNewA, bytesOfB)) >>> 0;
}

function shifted(crc: number, zeroBytes: number): number {
  let result = crc;
  for (let rest = zeroBytes, power = 0; rest > 0; rest >>>= 1, power++) {
    if (rest & 1) result = product(POWERS[power]!, result);
  }
  return result;
}

/** Of two polynomials over GF(2), modulo the CRC's. */
function product(a: number, b: number): number {
  let sum = 0;
  for (let rest = a, factor = b; rest !== 0; rest <<= 1) {
    if (rest < 0) sum ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return sum;
}

/** A batch has fewer than 2^31 bytes. */
function buildPowers(): Int32Array {
  const powers = new Int32Array(31);
  powers[0] = 1 << 23; // x^8
  for (let power = 1; power < powers.length; power++) {
    powers[power] = product(powers[power - 1]!, powers[power - 1]!);
  }
  return powers;
}
