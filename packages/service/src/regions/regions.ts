/**
 * Reads the topology from a folder: `<region>.yaml` per region and `links.yaml`. Called by the command line
 * (`meridian local`, `--region NAME`) and by the simulator.
 * Invariant: what comes back is consistent (names, ids and ports are unique, links name regions that exist);
 * otherwise a `ServiceError` has a line for each mistake, with file, line and field.
 */
import type { Io } from '@meridian/io';
import { ServiceError } from '../errors.ts';
import { checkKafkaSettings } from '../kafka/kafka-endpoint.ts';
import { LIMITS } from '../limits.ts';
import { linkSpec } from '../links/link-check.ts';
import { checkLinkEntries, type LinkEntries, readLinkEntries } from '../links/links-file.ts';
import { type Region, regionSchema, type Topology } from './schema.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

export { type BrokerAddress, brokersOf, checkBrokers, type MirrorAddress, mirrorsOf } from './brokers.ts';
export type { EmbeddedRegion, KafkaRegion, Link, Region, Topology } from './schema.ts';

const LINKS_FILE = 'links.yaml';

type PortField = readonly ['kafka' | 'gateway' | 'mirror', string];

/** The ports that a region listens on, by the path of their fields. An Apache Kafka's are not ours. */
const OWN_PORTS: readonly PortField[] = [
  ['gateway', 'port'],
  ['mirror', 'managementPort'],
];
const BROKER_PORTS: readonly PortField[] = [
  ['kafka', 'port'],
  ['kafka', 'internalPort'],
];

const portFieldsOf = ({ engine }: Region): readonly PortField[] =>
  engine === 'embedded' ? [...BROKER_PORTS, ...OWN_PORTS] : OWN_PORTS;

export const loadRegions = (io: Pick<Io, 'disk'>, folder: string): Topology => load(io, folder, true);

/** Whatever `links.yaml` says: mirrors that run go on with their old links when it is edited into nonsense. */
export const loadRegionsAlone = (io: Pick<Io, 'disk'>, folder: string): Topology => load(io, folder, false);

function load(io: Pick<Io, 'disk'>, folder: string, needsLinks: boolean): Topology {
  const files = listFiles(io, folder);
  const regions = files
    .filter((file) => file !== LINKS_FILE)
    .map((file) => readYaml<Region>(`${folder}/${file}`, readText(io, `${folder}/${file}`), regionSchema));
  const links =
    needsLinks && files.includes(LINKS_FILE)
      ? readLinkEntries(`${folder}/${LINKS_FILE}`, readText(io, `${folder}/${LINKS_FILE}`))
      : undefined;
  const sources = links ? [...regions, links] : regions;
  const complaints = sources.flatMap((source) => source.complaints);
  if (complaints.length === 0) complaints.push(...checkRegions(regions), ...(links ? checkLinks(links, regions) : []));
  if (regions.length === 0) complaints.push(`${folder}: there is no region's file (<region>.yaml) in it`);
  if (needsLinks && regions.length > 1 && links === undefined) {
    complaints.push(
      `${folder}: ${LINKS_FILE} is missing, which says what is mirrored where (\`links: []\` for nothing)`,
    );
  }
  if (complaints.length > 0)
    throw new ServiceError('regions-invalid', complaints.slice(0, LIMITS.maxProblems).join('\n'));
  return { regions: regions.map((source) => source.value), links: links?.value.links.map(linkSpec) ?? [] };
}

/** Moves every port of the topology by `offset`, so that several platforms fit on one machine. */
export function movePorts(topology: Topology, offset: number): Topology {
  const moved = structuredClone(topology);
  for (const region of moved.regions) {
    for (const field of portFieldsOf(region)) {
      const to = portAt(region, field) + offset;
      if (to < 1 || to > 65_535) {
        const what = `${region.name}'s ${field.join('.')} would be ${to}`;
        throw new ServiceError('port-offset-invalid', `--port-offset ${offset}: ${what}`);
      }
      (region[field[0]] as unknown as Record<string, number>)[field[1]] = to;
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
    for (const field of portFieldsOf(region)) claim(source, field, `${hostAt(region, field)}:${portAt(region, field)}`);
    if (region.engine !== 'kafka') continue;
    for (const { path, message } of checkKafkaSettings(region.kafka)) {
      complaints.push(source.complain(['kafka', ...path], message));
    }
  }
  return complaints;
}

function checkLinks(source: YamlSource<LinkEntries>, regions: readonly YamlSource<Region>[]): string[] {
  return checkLinkEntries(source, new Map(regions.map(({ value }) => [value.name, value.engine])));
}

const hostAt = (region: Region, [part]: PortField): string => (region[part] as { host: string }).host;

const portAt = (region: Region, [part, name]: PortField): number =>
  (region[part] as unknown as Record<string, number>)[name] ?? 0;

function listFiles(io: Pick<Io, 'disk'>, folder: string): string[] {
  try {
    return io.disk.list(folder).filter((name) => name.endsWith('.yaml'));
  } catch (error) {
    throw new ServiceError('regions-unreadable', `${folder}: ${(error as Error).message}`, { cause: error });
  }
}

function readText(io: Pick<Io, 'disk'>, path: string): string {
  try {
    const { size } = io.disk.stat(path);
    if (size > LIMITS.maxConfigBytes) throw new Error(`${size} bytes are too many`);
    return io.disk.readFile(path).toString('utf8');
  } catch (error) {
    throw new ServiceError('regions-unreadable', `${path}: ${(error as Error).message}`, { cause: error });
  }
}
