/** The record of gaps as each region's mirrors tell it on their management port. */
import type { Mesh } from './mesh.ts';
import type { KnownGap } from './outcome.ts';

interface ToldGap {
  readonly link: string;
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Rejects if a mirror cannot read the record of its region. */
export async function knownGaps(mesh: Mesh): Promise<KnownGap[]> {
  const gaps: KnownGap[] = [];
  for (const { name: at, mirrors } of mesh.regions)
    for (const { running } of mirrors) {
      const route = running?.routes.find(({ method, path }) => method === 'GET' && path === '/v1/gaps');
      if (route === undefined) continue;
      const told = (await route.handle({ params: {}, query: {}, body: undefined })) as { gaps: readonly ToldGap[] };
      for (const { link, topic, partition, from, to } of told.gaps)
        gaps.push({ at, from: link.slice(0, link.indexOf('-')), topic, partition, begin: from, end: to });
    }
  return gaps;
}
