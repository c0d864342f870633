/**
 * What a mirror's config says of regions and links, checked before anything is started.
 * Invariant: what is contradictory is refused by a coded error; nothing runs on half of a config.
 */
import { type LinkSpec, linkSpec, type RegionEngines } from '@meridian/service';
import type { MirrorConfig } from '../config.ts';
import { MirrorError } from '../errors.ts';
import type { MirrorLimits } from '../limits.ts';
import { LinkFile, type LinkFileOptions, type ReadLinks } from './link-file.ts';

/** Of the config itself; a file is looked at by the directory, which takes what is for this region. */
export function configuredLinks({ region, links = [], linksFile, sources = [] }: MirrorConfig): LinkSpec[] {
  const regions = [region, ...sources.map((source) => source.region)];
  const double = regions.find((name, at) => regions.indexOf(name) !== at);
  if (double !== undefined) throw new MirrorError('double-region', double);
  if (linksFile !== undefined) return [];
  const seen = new Set<string>();
  for (const link of links) {
    const { from, to } = link;
    if (to !== region) throw new MirrorError('foreign-link', `${from} → ${to}`);
    if (from === to) throw new MirrorError('self-link', `${from} → ${to}`);
    const { name } = linkSpec(link);
    if (seen.has(name)) throw new MirrorError('double-link', name);
    seen.add(name);
  }
  return links.map(linkSpec);
}

export interface ConfiguredFileOptions extends Pick<LinkFileOptions, 'io'> {
  readonly config: MirrorConfig;
  /** Of `@meridian/service/links`; needed where the config has a `linksFile`. */
  readonly readLinks?: ReadLinks;
}

export function configuredFile(
  { io, config: { linksFile: path }, readLinks }: ConfiguredFileOptions,
  regions: RegionEngines,
  limits: MirrorLimits,
): LinkFile | undefined {
  if (path === undefined) return undefined;
  if (readLinks === undefined) throw new MirrorError('no-links-reader', path);
  return new LinkFile({ io, path, regions, limits, readLinks });
}
