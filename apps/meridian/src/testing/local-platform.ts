/**
 * Starts the local platform as a user does (`meridian local`), on ports and a folder of its own, for the acceptance
 * tests, the foreign clients and the benchmarks. Everything it starts is stopped by `stop`, and by the end of this process.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createRealIo } from '@meridian/io/real';
import { loadRegions, type Region, type Topology } from '@meridian/service/regions';
import { DEFAULT_REGIONS } from '../platform-defaults.ts';

const MAIN = resolve(import.meta.dirname, '../main.ts');
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;

/** Of the repository's regions: us-east and eu-west. */
export type RegionName = string;
/** Of several brokers the first is `broker`, too. */
export type PartName = 'broker' | `broker-${number}` | 'mirror' | `mirror-${number}` | 'gateway';

/** Another regions folder for all platforms of this process: `compat -- mirror` runs the acceptance tests on Apache Kafka. */
const REGIONS_FOLDER = process.env.MERIDIAN_TEST_REGIONS ?? DEFAULT_REGIONS;

const PORT_STEP = 10;

export interface LocalPlatform {
  readonly data: string;
  readonly portOffset: number;
  /** What the region's file says. */
  engine(region: RegionName): Region['engine'];
  /** `host:port` of a region's Kafka listener; of several brokers, all with commas. */
  kafka(region: RegionName): string;
  /** WebSocket address of a region's gateway. */
  gateway(region: RegionName): string;
  /** HTTP address of a region's gateway. */
  http(region: RegionName): string;
  /** A token for tenant `acme`, unless another is named. */
  token(allow: string, tenant?: string): Promise<string>;
  /** Runs the command line against this platform; resolves with what it wrote. */
  command(
    args: readonly string[],
    options?: { input?: string },
  ): Promise<{ stdout: string; stderr: string; code: number }>;
  /** The same without this platform's folder and ports. */
  run(args: readonly string[]): Promise<{ stdout: string; stderr: string; code: number }>;
  /** Process id of a part, as the platform recorded it when it last started it. */
  pidOf(region: RegionName, part: PartName): number;
  /** Process ids of everything that was started, the supervisor first. */
  pids(): number[];
  kill(region: RegionName, part: PartName, signal?: NodeJS.Signals): void;
  /** The lines that the platform printed so far. */
  readonly output: readonly string[];
  stop(): Promise<void>;
}

export async function startLocalPlatform(options: {
  portOffset: number;
  data?: string;
  /** In each region. */
  brokers?: number;
  mirrors?: number;
  /** Default: the repository's, or `MERIDIAN_TEST_REGIONS`. */
  regions?: string;
}): Promise<LocalPlatform> {
  const { portOffset, brokers = 1, mirrors = 1, regions = REGIONS_FOLDER } = options;
  const topology = loadRegions(createRealIo(), regions);
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'meridian-'));
  const flags = ['--port-offset', String(portOffset), '--data', data, '--regions', regions];
  const shape = [
    ...(brokers === 1 ? [] : ['--brokers', String(brokers)]),
    ...(mirrors === 1 ? [] : ['--mirrors', String(mirrors)]),
  ];
  const child = spawn(process.execPath, [MAIN, 'local', ...flags, ...shape], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stopAtExit = () => child.kill('SIGTERM');
  process.once('exit', stopAtExit);
  const output: string[] = [];
  await ready(child, output);

  const regionOf = (name: RegionName) => regionNamed(topology, name);
  const gateway = (region: RegionName) => `127.0.0.1:${regionOf(region).gateway.port + portOffset}`;
  const parts = () => JSON.parse(readFileSync(join(data, 'processes.json'), 'utf8')) as Record<string, number>;
  const pidOf = (region: RegionName, part: PartName): number => {
    const pid = parts()[`${region}/${part}`];
    if (pid === undefined) throw new Error(`no process ${region}/${part}`);
    return pid;
  };
  const command: LocalPlatform['command'] = (args, { input } = {}) => runCommand([...args, ...flags], input);
  return {
    data,
    portOffset,
    output,
    engine: (region) => regionOf(region).engine,
    kafka(name) {
      const region = regionOf(name);
      if (region.engine === 'kafka') return region.kafka['bootstrap.servers'];
      const port = (at: number) => region.kafka.port + portOffset + at * PORT_STEP;
      return Array.from({ length: brokers }, (_, at) => `127.0.0.1:${port(at)}`).join();
    },
    gateway: (region) => `ws://${gateway(region)}/v1/ws`,
    http: (region) => `http://${gateway(region)}`,
    command,
    run: (args) => runCommand(args),
    token: async (allow, tenant = 'acme') => {
      const { stdout, stderr, code } = await runCommand([
        'token',
        '--tenant',
        tenant,
        '--subject',
        'test',
        '--allow',
        allow,
        ...flags,
      ]);
      if (code !== 0) throw new Error(stderr);
      return stdout.trim();
    },
    pidOf,
    pids: () => [child.pid as number, ...Object.values(parts())],
    kill: (region, part, signal = 'SIGKILL') => process.kill(pidOf(region, part), signal),
    stop: async () => {
      process.off('exit', stopAtExit);
      await stopChild(child);
      if (options.data === undefined) rmSync(data, { recursive: true, force: true });
    },
  };
}

function regionNamed({ regions }: Topology, name: RegionName): Region {
  const found = regions.find((region) => region.name === name);
  if (found === undefined) throw new Error(`no region ${name}`);
  return found;
}

function ready(child: ChildProcess, output: string[]): Promise<void> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      child.kill('SIGTERM');
      fail(new Error(`not ready in ${START_LIMIT_MS} ms:\n${output.join('\n')}`));
    }, START_LIMIT_MS);
    const take = (line: string) => {
      output.push(line);
      if (line.trim() !== 'ready') return;
      clearTimeout(timer);
      done();
    };
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', take);
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', take);
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(new Error(`the platform ended with ${code}:\n${output.join('\n')}`));
    });
  });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(timer);
}

async function runCommand(
  args: readonly string[],
  input?: string,
): Promise<{ stdout: string; stderr: string; code: number }> {
  const running = promisify(execFile)(process.execPath, [MAIN, ...args], { maxBuffer: 1 << 28, timeout: 120_000 });
  running.child.stdin?.end(input ?? '');
  try {
    return { ...(await running), code: 0 };
  } catch (error) {
    const { stdout = '', stderr = '', code = 1 } = error as { stdout?: string; stderr?: string; code?: number };
    return { stdout, stderr, code: typeof code === 'number' ? code : 1 };
  }
}
