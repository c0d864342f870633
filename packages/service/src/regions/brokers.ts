/**
 * Where the brokers and mirrors of a region listen when it runs several on one machine: the first where the region's file
 * says, each further one ten ports up. Used by the local platform, and by commands that look for its brokers.
 * Invariant: no two parts of a topology share a port; otherwise it is refused with both of them named.
 */
import { ServiceError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Region, Topology } from './schema.ts';

export interface BrokerAddress {
  /** From 1. */
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly internalPort: number;
}

/** Ports of the regions lie beside each other; the next broker must jump over those of its own region. */
const PORT_STEP = 10;

/** None in a region whose cluster is not ours to run. */
export function brokersOf(region: Region, count: number): BrokerAddress[] {
  if (region.engine === 'kafka') return [];
  const { host, port, internalPort } = region.kafka;
  return Array.from({ length: count }, (_, at) => {
    const up = at * PORT_STEP;
    return { nodeId: at + 1, host, port: port + up, internalPort: internalPort + up };
  });
}

export interface MirrorAddress {
  /** From 1. */
  readonly number: number;
  readonly host: string;
  readonly managementPort: number;
}

/** Where the mirrors of a region listen: the first where its file says, each further one ten ports up. */
export function mirrorsOf({ mirror: { host, managementPort } }: Region, count: number): MirrorAddress[] {
  return Array.from({ length: count }, (_, at) => ({
    number: at + 1,
    host,
    managementPort: managementPort + at * PORT_STEP,
  }));
}

/** Throws a `ServiceError` if so many brokers and mirrors in each region do not fit beside each other and the rest. */
export function checkBrokers({ regions }: Topology, count: number, mirrors = 1): void {
  if (count < 1 || count > LIMITS.maxBrokers) {
    throw new ServiceError('brokers-invalid', `--brokers ${count}: a region has 1 to ${LIMITS.maxBrokers} here`);
  }
  if (mirrors < 1 || mirrors > LIMITS.maxMirrors) {
    throw new ServiceError('brokers-invalid', `--mirrors ${mirrors}: a region has 1 to ${LIMITS.maxMirrors} here`);
  }
  const flags = mirrors === 1 ? `--brokers ${count}` : `--brokers ${count} --mirrors ${mirrors}`;
  const owners = new Map<string, string>();
  const claim = (host: string, port: number, what: string): void => {
    const address = `${host}:${port}`;
    const owner = owners.get(address);
    if (port > 65_535) throw new ServiceError('brokers-invalid', `${flags}: ${what} would listen on ${address}`);
    if (owner !== undefined) {
      throw new ServiceError('brokers-invalid', `${flags}: ${what} would listen on ${address}, as ${owner}`);
    }
    owners.set(address, what);
  };
  for (const region of regions) {
    claim(region.gateway.host, region.gateway.port, `${region.name}'s gateway`);
    for (const { number, host, managementPort } of mirrorsOf(region, mirrors)) {
      claim(host, managementPort, `${region.name}'s mirror${number === 1 ? '' : ` ${number}`}`);
    }
  }
  for (const region of regions) {
    for (const { nodeId, host, port, internalPort } of brokersOf(region, count)) {
      claim(host, port, `${region.name}'s broker ${nodeId}`);
      claim(host, internalPort, `${region.name}'s broker ${nodeId} (internal)`);
    }
  }
}
