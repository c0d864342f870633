import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import type { PartProcessOptions } from './part-process.ts';
import { createSupervisor } from './supervisor.ts';

/** Two parts whose processes are the test's to play. */
function platform() {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('laptop').boot();
  const live = new Map<string, PartProcessOptions>();
  const events: string[] = [];
  let pids: Record<string, number> = {};
  const spec = (name: string, stopRank: number) => ({
    name,
    stopRank,
    process: { main: name, configFile: '', labels: {}, compileCacheFolder: '' },
    onLogLine: () => undefined,
  });
  const supervisor = createSupervisor({
    io,
    parts: [spec('broker', 0), spec('gateway', 1)],
    startProcess: (options) => {
      events.push(`spawn ${options.main}`);
      live.set(options.main, options);
      return { pid: live.size, signal: (signal) => void events.push(`${signal} ${options.main}`) };
    },
    tell: (part, level, message) => void events.push(`${level} ${part} ${message}`),
    onPids: (now) => {
      pids = now;
    },
  });
  return { world, live, events, supervisor, pids: () => pids };
}

async function started() {
  const all = platform();
  const starting = all.supervisor.start();
  for (const part of all.live.values()) part.onReady({});
  await starting;
  all.events.length = 0;
  return all;
}

test('it is started when every part has been ready', async () => {
  const { live, supervisor, pids } = platform();
  let done = false;
  const starting = supervisor.start().then(() => {
    done = true;
  });
  live.get('broker')?.onReady({});
  await Promise.resolve();
  expect(done).toBe(false);
  live.get('gateway')?.onReady({});
  await starting;
  expect(Object.keys(pids())).toEqual(['broker', 'gateway']);
});

test('a part that fails at the start is named', async () => {
  const { live, supervisor } = platform();
  const starting = supervisor.start();
  live.get('gateway')?.onExit('exit code 1');
  await expect(starting).rejects.toThrow('gateway');
});

test('a part that dies is started again after its back-off', async () => {
  const { world, live, events, pids } = await started();
  live.get('broker')?.onExit('SIGKILL');
  expect(Object.keys(pids())).toEqual(['gateway']);
  await world.run(99);
  expect(events).toEqual(['warn broker died (SIGKILL), is started again in 100 ms']);
  await world.run(200);
  expect(events.at(-1)).toBe('spawn broker');
});

test('parts are stopped by rank, each rank when the one above it is gone', async () => {
  const { live, events, supervisor } = await started();
  const stopping = supervisor.stop();
  expect(events).toEqual(['SIGTERM gateway']);
  live.get('gateway')?.onExit('exit code 0');
  await Promise.resolve();
  await Promise.resolve();
  expect(events).toEqual(['SIGTERM gateway', 'SIGTERM broker']);
  live.get('broker')?.onExit('exit code 0');
  await stopping;
});
