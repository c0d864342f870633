/**
 * Reads the topology from a folder: `<region>.yaml` per region and `links.yaml`. Called by the command line
 * (`meridian local`, `--region NAME`) and by the simulator.
 * Invariant: what comes back is consistent (names, ids and ports are unique, links name regions that exist);
 * otherwise a `ServiceError` has a line for each mistake, with file, line and field.
 */
import type { Io } from '@meridian/io';
import { ServiceError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { LINKS_SCHEMA, type Link, REGION_SCHEMA, type Region, type Topology } from './schema.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

export { type BrokerAddress, brokersOf, checkBrokers } from './brokers.ts';
export type { Link, Region, Topology } from './schema.ts';

const LINKS_FILE = 'links.yaml';

/** A port that the region listens on, by the path of its field. */
const PORT_FIELDS = [
  ['kafka', 'port'],
  ['kafka', 'internalPort'],
  ['gateway', 'port'],
  ['mirror', 'managementPort'],
] as const;

export function loadRegions(io: Pick<Io, 'disk'>, folder: string): Topology {
  const files = listFiles(io, folder);
  const regions = files
    .filter((file) => file !== LINKS_FILE)
    .map((file) => readYaml<Region>(`${folder}/${file}`, readText(io, `${folder}/${file}`), REGION_SCHEMA));
  const links = files.includes(LINKS_FILE)
    ? readYaml<{ links: Link[] }>(`${folder}/${LINKS_FILE}`, readText(io, `${folder}/${LINKS_FILE}`), LINKS_SCHEMA)
    : undefined;
  const sources = links ? [...regions, links] : regions;
  const complaints = sources.flatMap((source) => source.complaints);
  if (complaints.length === 0) complaints.push(...checkRegions(regions), ...(links ? checkLinks(links, regions) : []));
  if (regions.length === 0) complaints.push(`${folder}: there is no region's file (<region>.yaml) in it`);
  if (regions.length > 1 && links === undefined) {
    complaints.push(
      `${folder}: ${LINKS_FILE} is missing, which says what is mirrored where (\`links: []\` for nothing)`,
    );
  }
  if (complaints.length > 0)
    throw new ServiceError('regions-invalid', complaints.slice(0, LIMITS.maxProblems).join('\n'));
  return { regions: regions.map((source) => source.value), links: links?.value.links ?? [] };
}

/** Moves every port of the topology by `offset`, so that several platforms fit on one machine. */
export function movePorts(topology: Topology, offset: number): Topology {
  const moved = structuredClone(topology);
  for (const region of moved.regions) {
    for (const field of PORT_FIELDS) {
      const to = portAt(region, field) + offset;
      if (to < 1 || to > 65_535) {
        const what = `${region.name}'s ${field.join('.')} would be ${to}`;
        throw new ServiceError('port-offset-invalid', `--port-offset ${offset}: ${what}`);
      }
      (region[field[0]] as Record<string, unknown>)[field[1]] = to;
    }
  }
  return moved;
}

function checkRegions(sources: readonly YamlSource<Region>[]): string[] {
  const complaints: string[] = [];
  const seen = new Map<string, string>();
  const claim = (source: YamlSource<Region>, path: readonly string[], what: string): void => {
    const owner = seen.get(what);
    if (owner !== undefined) complaints.push(source.complain(path, `is taken: ${what} stands in ${owner} too`));
    else seen.set(what, source.file);
  };
  for (const source of sources) {
    const region = source.value;
    if (!source.file.endsWith(`/${region.name}.yaml`)) {
      complaints.push(source.complain(['name'], `must be the file's name, is ${region.name}`));
    }
    claim(source, ['id'], `id ${region.id}`);
    for (const field of PORT_FIELDS) claim(source, field, `${region[field[0]].host}:${portAt(region, field)}`);
  }
  return complaints;
}

function checkLinks(source: YamlSource<{ links: Link[] }>, regions: readonly YamlSource<Region>[]): string[] {
  const complaints: string[] = [];
  const names = new Set(regions.map(({ value }) => value.name));
  const seen = new Set<string>();
  source.value.links.forEach((link, index) => {
    for (const end of ['from', 'to'] as const) {
      if (!names.has(link[end])) complaints.push(source.complain(['links', index, end], `is no region: ${link[end]}`));
    }
    const { from, to } = link;
    if (from === to)
      complaints.push(source.complain(['links', index, 'to'], 'must not be the region that it comes from'));
    if (seen.has(`${from} ${to}`))
      complaints.push(source.complain(['links', index], `is there twice: ${from} to ${to}`));
    seen.add(`${from} ${to}`);
  });
  return complaints;
}

const portAt = (region: Region, [part, name]: (typeof PORT_FIELDS)[number]): number =>
  (region[part] as unknown as Record<string, number>)[name] ?? 0;

function listFiles(io: Pick<Io, 'disk'>, folder: string): string[] {
  try {
    return io.disk.list(folder).filter((name) => name.endsWith('.yaml'));
  } catch (error) {
    throw new ServiceError('regions-unreadable', `${folder}: ${(error as Error).message}`, { cause: error });
  }
}

function readText(io: Pick<Io, 'disk'>, path: string): string {
  const { size } = io.disk.stat(path);
  if (size > LIMITS.maxConfigBytes) throw new ServiceError('regions-unreadable', `${path}: ${size} bytes are too many`);
  return io.disk.readFile(path).toString('utf8');
}
