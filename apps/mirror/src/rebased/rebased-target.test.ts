import type { Client, FencedProducer } from '@meridian/client';
import type { FactsStore, RunsStore } from '@meridian/coordinates';
import { expect, test } from 'vitest';
import { RebasedTarget } from './rebased-target.ts';

interface Fence {
  readonly id: string;
  done(): void;
  fail(): void;
}

function setUp() {
  const open: Fence[] = [];
  const fence = (id: string) =>
    new Promise<FencedProducer>((resolve, reject) => {
      const end = (how: () => void) => () => {
        open.splice(
          open.findIndex((each) => each.id === id),
          1,
        );
        how();
      };
      const producer = { producerId: 1, producerEpoch: 0 };
      open.push({ id, done: end(() => resolve(producer)), fail: end(() => reject(new Error('no answer'))) });
    });
  const target = new RebasedTarget({
    client: { fence } as unknown as Client,
    limits: { fencesInFlight: 6 },
    facts: {} as FactsStore,
    runs: { ensure: () => Promise.resolve() } as unknown as RunsStore,
  });
  const copyId = '00000000-0000-4000-8000-000000000001';
  const takeOver = (partition: number, signal?: AbortSignal) =>
    target.takeOver({ copy: 'us-east.orders', copyId, partition }, { ...(signal && { signal }) });
  return { open, takeOver };
}

const turn = () => new Promise((go) => setImmediate(go));

test('few fences are sent at first, more with each that comes through, and few again after one that does not', async () => {
  const { open, takeOver } = setUp();
  const all = Array.from({ length: 20 }, (_, partition) => takeOver(partition).catch(() => undefined));
  await turn();
  const counts = [open.length];
  for (const how of ['done', 'done', 'done', 'fail', 'done'] as const) {
    open[0]![how]();
    await turn();
    counts.push(open.length);
  }
  expect(counts).toEqual([4, 5, 6, 6, 5, 5]);
  while (open.length > 0) {
    open[0]!.done();
    await turn();
  }
  await Promise.all(all);
});

test('a partition that is stopped while it waits for its turn does not fence its successor', async () => {
  const { open, takeOver } = setUp();
  const stopping = new AbortController();
  const before = Array.from({ length: 4 }, (_, partition) => takeOver(partition));
  const stopped = takeOver(9, stopping.signal).catch((error: Error) => error.message);
  const behind = takeOver(5);
  await turn();
  stopping.abort();
  open[0]!.done();
  await turn();
  while (open.length > 0) {
    expect(open[0]!.id).not.toContain('.9');
    open[0]!.done();
    await turn();
  }
  await Promise.all([...before, behind]);
  expect(await stopped).toContain('stopped');
});
