/**
 * A client of `npm run chaos` as a process of its own, which writes one line for each thing that it was told; a line to it
 * ends it. Others' clients run so: one that loops for ever must not hold up the proxies, and can be ended.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ChaosContext } from './chaos-client.ts';

const STOP_LIMIT_MS = 120_000;

export interface LineProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The first word of a line, and the others. */
  readonly take: (kind: string, fields: string[]) => void;
}

export interface LineProcess {
  /** When the last line was taken. */
  readonly heardAtMs: number;
  /** Rejects if it did not end well, or if a line was refused. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** What every such program takes: role, brokers, topic, number of partitions, name. */
export const argsOf = (role: string, { bootstrap, topic, partitions }: ChaosContext, name: string): string[] => [
  role,
  bootstrap,
  topic,
  String(partitions),
  name,
];

export function startLineProcess({ command, args, take }: LineProcessOptions): LineProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  let heardAtMs = performance.now();
  let failure: Error | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    heardAtMs = performance.now();
    const [kind = '', ...fields] = line.split(' ');
    try {
      take(kind, fields);
    } catch (error) {
      failure ??= error as Error;
    }
  });
  child.stdin.on('error', () => {}); // it has ended by itself: its exit code tells
  // When the last line has been taken, too.
  const ended = new Promise<string>((done) => {
    child.once('error', (error) => done(error.message));
    child.once('close', (code, signal) => done(String(code ?? signal)));
  });
  void ended.then(() => process.off('exit', killAtExit));
  return {
    get heardAtMs() {
      return heardAtMs;
    },
    async stop() {
      child.stdin.end('end\n');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      const how = await ended;
      clearTimeout(timer);
      if (how !== '0') throw new Error(`it ended with ${how}`);
      if (failure !== undefined) throw failure;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
