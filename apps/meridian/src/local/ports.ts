/**
 * The ports of the local platform are looked at before anything is started, so that one that is taken is told in
 * one sentence and not by a part's log. Called by `meridian local`.
 */
import { type Io, IoError } from '@meridian/io';
import { brokersOf, mirrorsOf, type Topology } from '@meridian/service/regions';
import { CliError } from '../errors.ts';

export interface PortUse {
  host: string;
  port: number;
  /** For people: `us-east's Kafka listener`. */
  what: string;
}

/** `brokers` and `mirrors`: in each region. An Apache Kafka's ports are not ours. */
export function portsOf(topology: Topology, brokers: number, mirrors = 1): PortUse[] {
  return topology.regions.flatMap((region) => {
    const { name, gateway } = region;
    const ofBrokers = brokersOf(region, brokers).flatMap(({ nodeId, host, port, internalPort }) => {
      const what = `${name}'s broker${nodeId === 1 ? '' : ` ${nodeId}`}`;
      return [
        { host, port, what: `${what} (Kafka)` },
        { host, port: internalPort, what: `${what} (internal listener)` },
      ];
    });
    return [
      ...ofBrokers,
      { host: gateway.host, port: gateway.port, what: `${name}'s gateway` },
      ...mirrorsOf(region, mirrors).map(({ number, host, managementPort }) => ({
        host,
        port: managementPort,
        what: `${name}'s mirror${number === 1 ? '' : ` ${number}`} (management)`,
      })),
    ];
  });
}

/** Throws a `CliError` that names every port that cannot be listened on. */
export async function checkPorts(io: Pick<Io, 'net'>, uses: readonly PortUse[]): Promise<void> {
  const found = await Promise.all(uses.map((use) => problemOf(io, use)));
  const problems = found.filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new CliError('port-in-use', problems.join('\n'));
}

async function problemOf(io: Pick<Io, 'net'>, { host, port, what }: PortUse): Promise<string | undefined> {
  try {
    const listener = await io.net.listen({ host, port }, (connection) => connection.destroy());
    await listener.close();
    return undefined;
  } catch (error) {
    if (error instanceof IoError && error.code === 'address-in-use') {
      return `Port ${port} on ${host}, wanted for ${what}, is in use.`;
    }
    return `Port ${port} on ${host}, wanted for ${what}: ${(error as Error).message}`;
  }
}
