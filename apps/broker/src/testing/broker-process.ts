/**
 * A broker as a process of its own, for tests of what hostile bytes do to a process: its memory, its log, its life.
 * Invariant: only the process that was started here is ended, with its folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = join(import.meta.dirname, '../main.ts');
export const INTERNAL_SECRET = 'a secret of twenty characters';

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  /** The line as it was written. */
  readonly text: string;
}

export interface BrokerProcess {
  readonly clientPort: number;
  readonly internalPort: number;
  /** What it has logged so far. */
  readonly lines: readonly LogLine[];
  /** Resident memory now. */
  residentBytes(): number;
  /** The most that was resident since the last call. */
  peakBytes(): number;
  isAlive(): boolean;
  stop(): Promise<void>;
}

export async function startBrokerProcess(configs: Readonly<Record<string, string>> = {}): Promise<BrokerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-bad-input-'));
  const config = {
    region: 'us-east',
    regionId: 1,
    nodeId: 1,
    dataFolder: join(folder, 'data'),
    client: { host: '127.0.0.1', port: 0 },
    internal: { host: '127.0.0.1', port: 0, secret: INTERNAL_SECRET },
    regions: ['us-east'],
    configs,
  };
  const file = join(folder, 'broker.json');
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(process.execPath, [MAIN, '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: LogLine[] = [];
  createInterface(child.stderr).on('line', (text) => lines.push(lineOf(text)));
  const { clientPort, internalPort } = await readyOf(child, lines);
  return {
    clientPort,
    internalPort,
    lines,
    residentBytes: () => memoryOf(child, 'VmRSS'),
    peakBytes: () => {
      const peak = memoryOf(child, 'VmHWM');
      writeFileSync(`/proc/${child.pid}/clear_refs`, '5');
      return peak;
    },
    isAlive: () => child.exitCode === null && child.signalCode === null,
    stop: () => stop(child, folder),
  };
}

function lineOf(text: string): LogLine {
  try {
    return { ...(JSON.parse(text) as LogLine), text };
  } catch {
    return { level: 'none', msg: text, text };
  }
}

type Ports = Pick<BrokerProcess, 'clientPort' | 'internalPort'>;

function readyOf(child: ChildProcess, lines: readonly LogLine[]): Promise<Ports> {
  return new Promise((resolve, reject) => {
    const log = (): string => lines.map(({ text }) => text).join('\n');
    child.once('exit', (code) => reject(new Error(`the broker ended with ${code}\n${log()}`)));
    createInterface(child.stdout!).once('line', (text) => resolve((JSON.parse(text) as { ready: Ports }).ready));
  });
}

function memoryOf({ pid }: ChildProcess, name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1_024;
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null && child.kill('SIGTERM')) await gone;
  rmSync(folder, { recursive: true, force: true });
}
