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

const MAIN = resolve(import.meta.dirname, '../main.ts');
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;

export type RegionName = 'us-east' | 'eu-west';
/** Of several brokers the first is `broker`, too. */
export type PartName = 'broker' | `broker-${number}` | 'mirror' | 'gateway';

const PORTS = { 'us-east': { kafka: 9092, gateway: 8080 }, 'eu-west': { kafka: 9192, gateway: 8180 } } as const;

const PORT_STEP = 10;

export interface LocalPlatform {
  readonly data: string;
  readonly portOffset: number;
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
}): Promise<LocalPlatform> {
  const { portOffset, brokers = 1 } = options;
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'meridian-'));
  const flags = ['--port-offset', String(portOffset), '--data', data];
  const shape = brokers === 1 ? [] : ['--brokers', String(brokers)];
  const child = spawn(process.execPath, [MAIN, 'local', ...flags, ...shape], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stopAtExit = () => child.kill('SIGTERM');
  process.once('exit', stopAtExit);
  const output: string[] = [];
  await ready(child, output);

  const address = (region: RegionName, kind: 'kafka' | 'gateway', up = 0) =>
    `127.0.0.1:${PORTS[region][kind] + portOffset + up}`;
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
    kafka: (region) => Array.from({ length: brokers }, (_, at) => address(region, 'kafka', at * PORT_STEP)).join(),
    gateway: (region) => `ws://${address(region, 'gateway')}/v1/ws`,
    http: (region) => `http://${address(region, 'gateway')}`,
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
        '--data',
        data,
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
