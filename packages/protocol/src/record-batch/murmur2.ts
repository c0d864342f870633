/**
 * Kafka's partitioner: murmur2 over the key, with Kafka's seed. Everybody who publishes (SDK, gateway) uses it, so one
 * key lands in one partition whichever client wrote it.
 */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** murmur2 of `bytes` as a signed 32-bit number, as Kafka's `Utils.murmur2`. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  const whole = length & ~3;
  let h = SEED ^ length;
  for (let at = 0; at < whole; at += 4) {
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  if (length > whole) {
    if (length - whole >= 3) h ^= bytes[whole + 2]! << 16;
    if (length - whole >= 2) h ^= bytes[whole + 1]! << 8;
    h = Math.imul(h ^ bytes[whole]!, M);
  }
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
}

/** The partition of a record with this key, among `partitionCount`. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
