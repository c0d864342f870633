/**
 * Many units at once, each in a worker process of its own: what one has left in memory does not weigh on the next, and a
 * unit that hangs or takes the process with it is a fault of that unit. `scripts/fuzz.ts` hands over the names.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../fuzz.ts');

export interface Work {
  readonly runs: number;
  readonly seed: number;
  /** Processes at a time. */
  readonly workers: number;
}

/** Returns the names of the units with a fault. */
export async function fuzzApart(names: readonly string[], work: Work): Promise<string[]> {
  const waiting = [...names];
  const faulty: string[] = [];
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      if ((await fuzzOne(name, work)) !== 0) faulty.push(name);
    }
  };
  await Promise.all(Array.from({ length: work.workers }, worker));
  return faulty;
}

function fuzzOne(name: string, { runs, seed }: Work): Promise<number | null> {
  const args = [MAIN, name, '--runs', String(runs), '--seed', String(seed)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve) => child.once('exit', resolve));
}
