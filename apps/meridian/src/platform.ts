/**
 * Which platform a command talks to: the regions folder, moved by the port offset. Used by every command; what is
 * linked is asked of the mirrors, so that a spoilt links.yaml keeps nobody from looking.
 * Invariant: without `--port-offset` the offset is the one that the data folder's platform was started with.
 */
import type { Io } from '@meridian/io';
import { loadRegionsAlone, mirrorsOf, movePorts, type Region, type Topology } from '@meridian/service/regions';
import { CliError } from './errors.ts';
import { readMarker } from './local/data-folder.ts';

/** Flags that every command takes. */
export interface PlatformOptions {
  data: string;
  regions: string;
  portOffset?: number;
}

export function findPlatform(io: Pick<Io, 'disk'>, options: PlatformOptions): Topology {
  const offset = options.portOffset ?? readMarker(io, options.data)?.portOffset ?? 0;
  return movePorts(loadRegionsAlone(io, options.regions), offset);
}

export function findRegion(topology: Topology, name: string): Region {
  const found = topology.regions.find((region) => region.name === name);
  if (found !== undefined) return found;
  const known = topology.regions.map((region) => region.name).join(', ');
  throw new CliError('unknown-region', `Region ${name}; there are: ${known}.`);
}

/** Addresses of a region's mirrors (`http://host:port`), as many as the platform was started with. */
export function mirrorUrls(io: Pick<Io, 'disk'>, options: PlatformOptions, region: Region): string[] {
  const mirrors = mirrorsOf(region, readMarker(io, options.data)?.mirrors ?? 1);
  return mirrors.map(({ host, managementPort }) => `http://${host}:${managementPort}`);
}

export const gatewayUrl = ({ gateway }: Region): string => `ws://${gateway.host}:${gateway.port}/v1/ws`;

/** The gateways of a command's `--gateway URL` and `--region NAME`, in the order of preference. */
export function gatewayUrls(
  io: Pick<Io, 'disk'>,
  options: PlatformOptions & { gateway?: string[]; region?: string[] },
): string[] {
  const named = options.gateway ?? [];
  const regions = options.region ?? [];
  if (named.length + regions.length === 0)
    throw new CliError('bad-option', 'Which gateway? Name a --region or a --gateway URL.');
  if (regions.length === 0) return named;
  const topology = findPlatform(io, options);
  return [...named, ...regions.map((name) => gatewayUrl(findRegion(topology, name)))];
}
