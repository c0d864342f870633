/**
 * The two brokers that are compared, each as its own process with a data folder of its own, on its own defaults (but
 * for the delay after which Kafka removes what was deleted: the disk must not fill up between rounds).
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startKafka } from '../../peers/kafka.ts';
import type { LoadTarget } from './closed-loop.ts';

const MAIN = join(import.meta.dirname, '../../../apps/broker/src/main.ts');
const MERIDIAN_PORT = 32_192;
const KAFKA_PORT = 32_292;
const STOP_LIMIT_MS = 10_000;

export interface Contestant extends LoadTarget {
  readonly name: 'Meridian' | 'Apache Kafka';
  readonly port: number;
  readonly pid: number;
  readonly startMs: number;
  stop(): Promise<void>;
}

export async function startKafkaContestant(): Promise<Contestant> {
  const broker = await startKafka({ port: KAFKA_PORT, properties: { 'log.segment.delete.delay.ms': 500 } });
  const { pid, startMs, stop } = broker;
  return { name: 'Apache Kafka', port: KAFKA_PORT, ports: [KAFKA_PORT], pid, pids: [pid], startMs, stop };
}

/** `nodeFlags` are for profiles, such as `--cpu-prof`. */
export async function startMeridianContestant(nodeFlags: readonly string[] = []): Promise<Contestant> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-bench-'));
  const configFile = join(folder, 'broker.json');
  const config = {
    region: 'bench',
    regionId: 1,
    nodeId: 1,
    dataFolder: join(folder, 'data'),
    client: { host: '127.0.0.1', port: MERIDIAN_PORT },
    internal: { host: '127.0.0.1', port: MERIDIAN_PORT + 1, secret: 'nobody comes here today' },
    regions: ['bench'],
  };
  writeFileSync(configFile, JSON.stringify(config));
  const began = performance.now();
  const child = spawn(process.execPath, [...nodeFlags, MAIN, '--config', configFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'meridian-bench-compile-cache') },
  });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  await new Promise<void>((done, fail) => {
    createInterface({ input: child.stdout }).on('line', (line) => line.startsWith('{"ready"') && done());
    child.once('exit', (code, signal) => fail(new Error(`the broker ended with ${code ?? signal}`)));
  });
  const startMs = performance.now() - began;
  const stop = async (): Promise<void> => {
    process.off('exit', killAtExit);
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended;
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  };
  const pid = child.pid as number;
  return { name: 'Meridian', port: MERIDIAN_PORT, ports: [MERIDIAN_PORT], pid, pids: [pid], startMs, stop };
}
