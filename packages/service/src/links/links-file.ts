/**
 * `links.yaml`: read with its lines kept, and checked. Called by the loader of regions, and by a mirror that watches the
 * file while it runs (`@meridian/service/links`).
 * Invariant: every complaint names file, line and field.
 */
import { readYaml, type YamlSource } from '../regions/yaml-source.ts';
import { checkLink, conflictOf, linkSpec, type RegionEngines } from './link-check.ts';
import { LINKS_FILE_SCHEMA, type LinkEntry, type LinkSpec } from './link-schema.ts';

export interface LinkEntries {
  links: LinkEntry[];
}

export const readLinkEntries = (file: string, text: string): YamlSource<LinkEntries> =>
  readYaml<LinkEntries>(file, text, LINKS_FILE_SCHEMA);

/** All links of the file, or the complaints about it. */
export function readLinks(file: string, text: string, regions: RegionEngines): LinkSpec[] | string[] {
  const source = readLinkEntries(file, text);
  if (source.complaints.length > 0) return source.complaints;
  const complaints = checkLinkEntries(source, regions);
  return complaints.length > 0 ? complaints : source.value.links.map(linkSpec);
}

export function checkLinkEntries(source: YamlSource<LinkEntries>, regions: RegionEngines): string[] {
  const { links } = source.value;
  return links.flatMap((link, index) => {
    const problems = checkLink(link, regions);
    const conflict = conflictOf(link, links.slice(0, index));
    if (conflict !== null) problems.push({ path: [], message: conflict });
    return problems.map(({ path, message }) => source.complain(['links', index, ...path], message));
  });
}
