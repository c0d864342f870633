/** Random uuids (version 4) as Apache Kafka makes them: topic ids, data folder ids, incarnations, cluster ids. */
import type { Random } from '@meridian/io';
import { uuidToBase64 } from '@meridian/protocol';

/** Canonical text. None whose base64 begins with '-': command lines would take it for an option. */
export function randomUuid(random: Random): string {
  for (;;) {
    const bytes = random.bytes(16);
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    const hex = bytes.toString('hex');
    const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    if (!uuidToBase64(uuid).startsWith('-')) return uuid;
  }
}
