/** How links and what ails them are written for people, by `links` and `link`. */
import type { LinkStatus, WireStatus } from './links.ts';

/** A name of its own is shown beside the regions. */
export function nameOf({ name, from, to }: Pick<LinkStatus, 'name' | 'from' | 'to'>): string {
  return name === `${from}-${to}` ? `${from} → ${to}` : `${from} → ${to} (${name})`;
}

/** Each reason once for all partitions of a topic. */
export function reasonsOf(link: LinkStatus): string[] {
  const partitions = new Map<string, number[]>();
  for (const { topic, partition, reason } of link.partitions) {
    if (reason === null) continue;
    const told = `${topic}: ${reason}`;
    partitions.set(told, [...(partitions.get(told) ?? []), partition]);
  }
  const isTold = link.reason === null || link.partitions.some(({ reason }) => reason === link.reason);
  const off = link.wire?.off ?? null;
  return [
    ...(isTold ? [] : [`${nameOf(link)}: ${link.reason}`]),
    ...[...partitions].map(([told, numbers]) => `${nameOf(link)} ${told} (partition ${numbers.join(', ')})`),
    ...(off === null ? [] : [`${nameOf(link)}: compression is off: ${off}`]),
  ];
}

/** As in `12.0 MB for 61.2 MB of records (zstd, 5.1 to 1)`. */
export function wireOf({ codec, wireBytes, recordBytes }: WireStatus): string {
  const ratio = wireBytes === 0 ? '' : `, ${(recordBytes / wireBytes).toFixed(1)} to 1`;
  return `${megabytes(wireBytes)} for ${megabytes(recordBytes)} of records (${codec}${ratio})`;
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
