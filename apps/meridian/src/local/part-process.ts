/**
 * One operating-system process of the local platform. Started by the supervisor, in a session of its own, so that a
 * Ctrl-C reaches the supervisor alone and parts are stopped in order.
 * Invariant: it ends when the supervisor does, even by kill -9: its stdin is a pipe that only the supervisor holds.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface PartProcess {
  readonly pid: number;
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface PartProcessOptions {
  /** The app's entry, e.g. `apps/broker/src/main.ts`. */
  main: string;
  configFile: string;
  /** On every line of its log. */
  labels: Record<string, string>;
  compileCacheFolder: string;
  onReady(ports: Record<string, number | string>): void;
  onLogLine(line: string): void;
  /** Exactly once, also when it could not be started. */
  onExit(how: string): void;
}

export function startPartProcess(options: PartProcessOptions): PartProcess {
  const labels = Object.entries(options.labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
  const child = spawn(
    process.execPath,
    [options.main, '--config', options.configFile, '--exit-with-parent', ...labels],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, NODE_COMPILE_CACHE: options.compileCacheFolder },
    },
  );
  child.stdin.on('error', () => undefined); // it is gone: `exit` tells
  onLines(child.stdout, (line) => {
    const ports = readyPorts(line);
    if (ports) options.onReady(ports);
    else options.onLogLine(line);
  });
  onLines(child.stderr, options.onLogLine);
  let told = false;
  const exit = (how: string): void => {
    if (!told) options.onExit(how);
    told = true;
  };
  child.on('error', (error) => exit(error.message));
  child.on('exit', (code, signal) => exit(signal ?? `exit code ${code}`));
  return { pid: child.pid ?? 0, signal: (signal) => void child.kill(signal) };
}

function onLines(stream: Readable, take: (line: string) => void): void {
  stream.on('error', () => undefined);
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', take);
}

function readyPorts(line: string): Record<string, number | string> | undefined {
  if (!line.startsWith('{"ready":')) return undefined;
  return (JSON.parse(line) as { ready: Record<string, number | string> }).ready;
}
