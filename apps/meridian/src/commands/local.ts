/**
 * `meridian local`: the whole platform on one machine, every part a process of its own. Prints a table of addresses,
 * a token and `ready` to stdout, then runs until it is told to stop.
 *
 * Order: data folder (lock, version) → regions → leftovers of a killed platform → ports → keys, configs → parts.
 * Invariant: whatever way it ends, no part is left running.
 */
import { resolve } from 'node:path';
import type { Io } from '@meridian/io';
import { brokersOf, checkBrokers, loadRegions, movePorts, type Topology } from '@meridian/service/regions';
import { CliError, EXIT } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type DataFolder, openDataFolder } from '../local/data-folder.ts';
import { makeKeys } from '../local/keys.ts';
import { waitForLeftovers } from '../local/leftovers.ts';
import { openPartLog, type PartLog } from '../local/part-log.ts';
import { MAX_REPLICAS, type PlannedPart, planParts } from '../local/part-plan.ts';
import { startPartProcess } from '../local/part-process.ts';
import { checkPorts, portsOf } from '../local/ports.ts';
import { createProcessRecord } from '../local/process-record.ts';
import { clusterFile, openRegionCluster, type RegionCluster } from '../local/region-cluster.ts';
import { createSupervisor, type PartSpec, type Supervisor } from '../local/supervisor.ts';
import { gatewayUrl, type PlatformOptions } from '../platform.ts';
import { COMPILE_CACHE } from '../platform-defaults.ts';
import { alignColumns, type Terminal } from '../terminal.ts';
import { signToken } from './token.ts';

export interface LocalOptions extends PlatformOptions {
  /** In each region. */
  brokers?: number;
  mirrors?: number;
  json?: boolean;
}

const APPS = resolve(import.meta.dirname, '../../..');
const DEFAULT_PARTITIONS = 6;
const DEVELOPER = { tenant: 'acme', subject: 'developer', allow: ['*:read,write'], lifeMs: LIMITS.tokenLifeMs };

export async function runLocal(io: Io, terminal: Terminal, options: LocalOptions): Promise<void> {
  const topology = movePorts(loadRegions(io, options.regions), options.portOffset ?? 0);
  const { mirrors = 1 } = options;
  checkBrokers(topology, options.brokers ?? 1, mirrors);
  const shape = { portOffset: options.portOffset ?? 0, brokers: options.brokers, mirrors };
  const data = openDataFolder(io, resolve(options.data), shape);
  const { brokers } = data;
  await waitForLeftovers(io, data.file('processes.json'));
  await checkPorts(io, portsOf(topology, brokers, mirrors));
  const keys = makeKeys(io, data.path);
  const internalSecret = io.disk.readFile(keys.internalSecret).toString('utf8').trim();
  const plan = planParts({
    topology,
    regionsFolder: resolve(options.regions),
    brokers,
    mirrors,
    clusters: brokers === 1 ? new Map() : openClusters(io, terminal, data, topology),
    dataFolder: data.path,
    keys,
    internalSecret,
    defaultPartitions: DEFAULT_PARTITIONS,
  });
  const logs = new Map<string, PartLog>();
  const record = createProcessRecord(io, data.file('processes.json'), terminal.say);
  const supervisor = createSupervisor({
    io,
    parts: plan.map((part) => specOf(io, terminal, data, part, logs)),
    startProcess: startPartProcess,
    tell: (part, level, message) => terminal.say(`${part} ${level === 'info' ? '' : `${level}: `}${message}`),
    onPids: record.write,
  });
  const ending = watchForTheEnd(supervisor);
  const token = signToken(io, data.path, DEVELOPER);
  const stopped = await Promise.race([startAll(supervisor, logs), ending.then(() => true)]);
  if (!stopped) {
    printPlatform(terminal, topology, brokers, { token: await token, json: options.json ?? false });
    await ending;
  }
  await supervisor.stop();
  record.remove();
  data.release();
}

/** What the brokers of each region have in common; of a region that gets its second one, what that means is told once. */
function openClusters(
  io: Io,
  terminal: Terminal,
  { brokers, file }: DataFolder,
  { regions }: Topology,
): Map<string, RegionCluster> {
  return new Map(
    regions
      .filter(({ engine }) => engine === 'embedded')
      .map((region) => {
        const isNew = !io.disk.exists(clusterFile(file(region.name)));
        const cluster = openRegionCluster(io, file(region.name), brokersOf(region, brokers));
        if (isNew && cluster.voters[0]?.directoryId === undefined) {
          terminal.say(
            `${region.name} began with one broker: it alone votes on metadata until others are added ` +
              `(kafka-metadata-quorum), and keeps the topics that it has until they are reassigned ` +
              `(kafka-reassign-partitions); new ones get ${Math.min(brokers, MAX_REPLICAS)} replicas.`,
          );
        }
        return [region.name, cluster];
      }),
  );
}

/** False: everything runs. Throws a `CliError` when a part failed. */
async function startAll(supervisor: Supervisor, logs: ReadonlyMap<string, PartLog>): Promise<false> {
  try {
    await supervisor.start();
    return false;
  } catch (error) {
    const part = (error as Error).message;
    await supervisor.stop();
    throw new CliError('start-failed', `${part} did not start, see ${logs.get(part)?.path}`, { cause: error });
  }
}

/** The first signal asks the parts to end; a second one kills them. */
function watchForTheEnd(supervisor: Supervisor): Promise<void> {
  return new Promise((done) => {
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked) {
          supervisor.kill();
          process.exit(EXIT.failed);
        }
        asked = true;
        done();
      });
    }
  });
}

function specOf(io: Io, terminal: Terminal, data: DataFolder, part: PlannedPart, logs: Map<string, PartLog>): PartSpec {
  const fileName = part.name.replace('/', '-');
  const configFile = `${data.folder('config')}/${fileName}.json`;
  io.disk.replaceFile(configFile, Buffer.from(`${JSON.stringify(part.config, undefined, 2)}\n`));
  const log = openPartLog(io, `${data.folder('logs')}/${fileName}.log`, (text) => terminal.say(`${part.name} ${text}`));
  logs.set(part.name, log);
  return {
    name: part.name,
    stopRank: part.stopRank,
    process: {
      main: `${APPS}/${part.app}/src/main.ts`,
      configFile,
      labels: { region: part.region },
      compileCacheFolder: COMPILE_CACHE,
    },
    onLogLine: (line) => log.write(line),
  };
}

function printPlatform(
  terminal: Terminal,
  topology: Topology,
  brokers: number,
  { token, json }: { readonly token: string; readonly json: boolean },
): void {
  const rows = topology.regions.map((region) => ({
    region: region.name,
    kafka:
      region.engine === 'kafka'
        ? region.kafka['bootstrap.servers']
        : brokersOf(region, brokers)
            .map(({ host, port }) => `${host}:${port}`)
            .join(','),
    gateway: gatewayUrl(region),
    http: `http://${region.gateway.host}:${region.gateway.port}`,
  }));
  if (json) {
    for (const row of rows) terminal.data(JSON.stringify(row));
    terminal.data(JSON.stringify({ tenant: DEVELOPER.tenant, token }));
    terminal.data(JSON.stringify({ ready: true }));
    return;
  }
  const cells = rows.map(({ region, kafka, gateway, http }) => [region, kafka, gateway, http]);
  for (const line of alignColumns([['REGION', 'KAFKA', 'WEBSOCKET', 'HTTP'], ...cells])) terminal.data(line);
  terminal.data(`\ntoken (tenant ${DEVELOPER.tenant}, all topics, one day):\n${token}\n`);
  terminal.data('ready');
}
