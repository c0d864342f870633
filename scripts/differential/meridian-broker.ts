/** One Meridian broker on a folder of its own, as `meridian local` starts it. Used by the differential runner. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = resolve(import.meta.dirname, '../../apps/broker/src/main.ts');

/** `configs` are by Apache Kafka's names. */
export async function startMeridianBroker(
  port: number,
  configs: Readonly<Record<string, string>>,
): Promise<{ pid: number; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-differential-'));
  const config = {
    region: 'us-east',
    regionId: 1,
    nodeId: 1,
    dataFolder: join(folder, 'data'),
    client: { host: '127.0.0.1', port },
    internal: { host: '127.0.0.1', port: port + 1, secret: 'not a secret at all' },
    regions: ['us-east', 'eu-west'],
    configs,
  };
  const file = join(folder, 'broker.json');
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(process.execPath, [MAIN, '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const problems: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => problems.push(line));
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const ready = new Promise<void>((done) => createInterface({ input: child.stdout }).once('line', () => done()));
  await Promise.race([
    ready,
    ended.then(() => {
      throw new Error(`the broker ended:\n${problems.slice(-10).join('\n')}`);
    }),
  ]);
  let isStopping = false;
  void ended.then(() => {
    if (!isStopping) console.error(`the broker ended by itself:\n${problems.slice(-10).join('\n')}`);
  });
  return {
    pid: child.pid as number,
    async stop() {
      isStopping = true;
      process.off('exit', killAtExit);
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
