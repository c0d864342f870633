import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import type { PartProcessOptions } from './part-process.ts';
import { createProcessRecord } from './process-record.ts';
import { createSupervisor } from './supervisor.ts';

const PATH = '/processes.json';

test('on a full disk it is told once that processes are not recorded, and parts are started again as usual', async () => {
  const world = createSimWorld({ seed: 1 });
  const node = world.node('laptop');
  const io = node.boot();
  const said: string[] = [];
  const record = createProcessRecord(io, PATH, (message) => void said.push(message));
  const spawned: PartProcessOptions[] = [];
  const supervisor = createSupervisor({
    io,
    parts: [
      {
        name: 'broker',
        stopRank: 0,
        process: { main: 'broker', configFile: '', labels: {}, compileCacheFolder: '' },
        onLogLine: () => undefined,
      },
    ],
    startProcess: (options) => ({ pid: spawned.push(options), signal: () => options.onExit('exit code 0') }),
    tell: () => undefined,
    onPids: record.write,
  });
  const starting = supervisor.start();
  spawned[0]?.onReady({});
  await starting;
  node.setFull(true);
  spawned[0]?.onExit('SIGKILL');
  await world.run(1_000);
  expect(spawned).toHaveLength(2);
  expect(said).toEqual([expect.stringMatching(/cannot be recorded.*The disk is full/)]);

  node.setFull(false);
  spawned[1]?.onReady({});
  spawned[1]?.onExit('SIGKILL');
  await world.run(2_000);
  expect(JSON.parse(io.disk.readFile(PATH).toString())).toEqual({ broker: 3 });
  await supervisor.stop();
  record.remove();
  expect(io.disk.exists(PATH)).toBe(false);
});

test('removing a record that was never written is no trouble', () => {
  const io = createSimWorld({ seed: 1 }).node('laptop').boot();
  const said: string[] = [];
  createProcessRecord(io, PATH, (message) => void said.push(message)).remove();
  expect(said).toEqual([]);
});
