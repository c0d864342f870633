/**
 * Where the brokers of a region listen when it runs several on one machine: the first where the region's file says, each
 * further one ten ports up. Used by the local platform, and by commands that look for its brokers.
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

export function brokersOf({ kafka }: Region, count: number): BrokerAddress[] {
  const { host, port, internalPort } = kafka;
  return Array.from({ length: count }, (_, at) => {
    const up = at * PORT_STEP;
    return { nodeId: at + 1, host, port: port + up, internalPort: internalPort + up };
  });
}

/** Throws a `ServiceError` if so many brokers in each region do not fit beside each other and the rest. */
export function checkBrokers({ regions }: Topology, count: number): void {
  if (count < 1 || count > LIMITS.maxBrokers) {
    throw new ServiceError('brokers-invalid', `--brokers ${count}: a region has 1 to ${LIMITS.maxBrokers} here`);
  }
  const owners = new Map<string, string>();
  const claim = (host: string, port: number, what: string): void => {
    const address = `${host}:${port}`;
    const owner = owners.get(address);
    if (port > 65_535)
      throw new ServiceError('brokers-invalid', `--brokers ${count}: ${what} would listen on ${address}`);
    if (owner !== undefined) {
      throw new ServiceError('brokers-invalid', `--brokers ${count}: ${what} would listen on ${address}, as ${owner}`);
    }
    owners.set(address, what);
  };
  for (const { name, gateway, mirror } of regions) {
    claim(gateway.host, gateway.port, `${name}'s gateway`);
    claim(mirror.host, mirror.managementPort, `${name}'s mirror`);
  }
  for (const region of regions) {
    for (const { nodeId, host, port, internalPort } of brokersOf(region, count)) {
      claim(host, port, `${region.name}'s broker ${nodeId}`);
      claim(host, internalPort, `${region.name}'s broker ${nodeId} (internal)`);
    }
  }
}
