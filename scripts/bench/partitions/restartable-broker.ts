/**
 * A broker that is stopped and started again on one data folder: ours or Apache Kafka. Used by `bench -- partitions`.
 * Invariant: whoever makes one removes it; the process that was started here is ended by its own id.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startKafka } from '../../peers/kafka.ts';
import type { Contestant } from '../broker/contestant.ts';

const MAIN = join(import.meta.dirname, '../../../apps/broker/src/main.ts');
/** Long enough to see how long a stop takes. */
const STOP_LIMIT_MS = 180_000;

/** So that the removal of files can be seen. */
const DELETES_SOON = { 'log.segment.delete.delay.ms': '1000' };

export interface RestartableBroker {
  /** The process that runs; `start` makes another. */
  readonly running: Contestant;
  start(): Promise<Contestant>;
  /** Orderly; returns how long it took, and throws if the process did not end well. */
  stop(): Promise<number>;
  remove(): Promise<void>;
}

export async function restartableMeridian(port: number, flags: readonly string[] = []): Promise<RestartableBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-bench-'));
  const config = {
    region: 'bench',
    regionId: 1,
    nodeId: 1,
    dataFolder: join(folder, 'data'),
    client: { host: '127.0.0.1', port },
    internal: { host: '127.0.0.1', port: port + 1, secret: 'nobody comes here today' },
    regions: ['bench'],
    configs: DELETES_SOON,
  };
  writeFileSync(join(folder, 'broker.json'), JSON.stringify(config));
  return restartable(folder, () => startMeridian(port, join(folder, 'broker.json'), flags));
}

export async function restartableKafka(port: number): Promise<RestartableBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'kafka-bench-'));
  return restartable(folder, async () => {
    const { pid, startMs, stop } = await startKafka({ port, folder: join(folder, 'data'), properties: DELETES_SOON });
    return { name: 'Apache Kafka', port, ports: [port], pid, pids: [pid], startMs, stop };
  });
}

async function restartable(folder: string, open: () => Promise<Contestant>): Promise<RestartableBroker> {
  let running: Contestant | undefined = await open();
  const broker = {
    get running(): Contestant {
      if (running === undefined) throw new Error('the broker does not run');
      return running;
    },
    async start(): Promise<Contestant> {
      running = await open();
      return running;
    },
    async stop(): Promise<number> {
      const began = performance.now();
      await broker.running.stop();
      running = undefined;
      return performance.now() - began;
    },
    async remove(): Promise<void> {
      try {
        await running?.stop();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
  return broker;
}

async function startMeridian(port: number, configFile: string, flags: readonly string[]): Promise<Contestant> {
  const began = performance.now();
  const child = spawn(process.execPath, [...flags, MAIN, '--config', configFile, '--log-level', 'warn'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'meridian-bench-compile-cache') },
  });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const ended = new Promise<number | string>((done) =>
    child.once('exit', (code, signal) => done(code ?? signal ?? '')),
  );
  await new Promise<void>((done, fail) => {
    createInterface({ input: child.stdout }).on('line', (line) => line.startsWith('{"ready"') && done());
    void ended.then((how) => fail(new Error(`the broker ended with ${how}`)));
  });
  const startMs = performance.now() - began;
  const stop = async (): Promise<void> => {
    process.off('exit', killAtExit);
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    const how = await ended;
    clearTimeout(timer);
    if (how !== 0) throw new Error(`the broker did not stop in order: ${how}`);
  };
  const pid = child.pid as number;
  return { name: 'Meridian', port, ports: [port], pid, pids: [pid], startMs, stop };
}
