/**
 * Random leader moves, kills, losses of power and cuts among three replicas, with producers that send again until they
 * are told: whatever was acknowledged is there in the end, once, in its place, and all logs are the same.
 */

import { below, chance } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { batchCrc, iterateBatches, readBatchHeader } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { batchOf } from '../testing/batches.ts';
import { type ReplicaNode, ReplicaSet } from '../testing/replica-set.ts';

const ROUNDS = 25;

/** An idempotent producer with one batch out at a time, which it sends until somebody has acknowledged it. */
class Producer {
  readonly acknowledged: { readonly offset: number; readonly crc: number }[] = [];
  readonly #set: ReplicaSet;
  readonly #producerId: number;
  #sequence = 0;
  #isStopped = false;

  constructor(set: ReplicaSet, producerId: number) {
    this.#set = set;
    this.#producerId = producerId;
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      const values = Array.from({ length: 1 + below(this.#set.world.random, 3) }, (_, i) => `${this.#sequence + i}`);
      const batch = batchOf(values, {
        producerId: this.#producerId,
        producerEpoch: 0,
        baseSequence: this.#sequence,
      });
      await this.#send(batch);
      this.#sequence += values.length;
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #send(batch: Buffer): Promise<void> {
    for (;;) {
      const leader = this.#set.controller.state.leader;
      if (leader !== -1) {
        const produced = await this.#try(this.#set.node(leader), Buffer.from(batch));
        if (produced?.errorCode === ERROR.NONE) {
          this.acknowledged.push({ offset: produced.baseOffset, crc: batchCrc(batch) });
          return;
        }
        expect(produced?.errorCode).not.toBe(ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER);
      }
      await this.#wait(5 + below(this.#set.world.random, 20));
    }
  }

  async #try(node: ReplicaNode, batch: Buffer) {
    if (!node.isAlive) return undefined;
    return Promise.race([node.produce(batch, { timeoutMs: 100 }), this.#wait(150).then(() => undefined)]);
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#set.world.after(delayMs, resolve));
  }
}

/** One fault that leaves an in-sync replica, and what it takes to have an end to it. */
function fault(set: ReplicaSet): () => void {
  const { random } = set.world;
  const ids = [...set.nodes.keys()];
  const id = ids[below(random, ids.length)]!;
  const { isr } = set.controller.state;
  const others = isr.filter((each) => each !== id && set.node(each).isAlive);
  const kind = below(random, 4);
  if (kind === 0 || others.length === 0 || ids.some((each) => !set.node(each).isAlive)) {
    set.controller.moveLeader(id);
    return () => {};
  }
  if (kind === 1) {
    const other = ids[below(random, ids.length)]!;
    set.cut(id, chance(random, 0.5) ? 0 : other);
    return () => set.cuts.clear();
  }
  set.node(id).kill(kind === 2 ? 'kill' : 'powerLoss');
  set.world.after(20 + below(random, 200), () => {
    if (!set.node(id).isAlive) set.controller.fence(id);
  });
  return () => {
    if (!set.node(id).isAlive) set.node(id).restart();
  };
}

interface Stored {
  readonly offset: number;
  readonly epoch: number;
  readonly crc: number;
}

function stored({ partition: { log } }: ReplicaNode): Stored[] {
  const batches: Stored[] = [];
  for (let at = log.startOffset; at < log.endOffset; ) {
    const { buffers, nextOffset } = log.read(at, { maxBytes: 65_536, minOneBatch: true });
    for (const { bytes } of buffers.flatMap((buffer) => [...iterateBatches(buffer)])) {
      const { baseOffset, partitionLeaderEpoch, crc } = readBatchHeader(bytes);
      batches.push({ offset: baseOffset, epoch: partitionLeaderEpoch, crc });
    }
    at = nextOffset;
  }
  return batches;
}

const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);

test.each(SEEDS)('whatever was acknowledged is there, once and everywhere, seed %i', async (seed) => {
  const fsync = seed % 5 === 4;
  const newsMs = seed % 3 === 0 ? ([1, 150] as const) : ([0.1, 3] as const);
  const set = new ReplicaSet({ seed, newsMs, settings: { fsync } });
  const { random } = set.world;
  const producers = [1, 2].map((id) => new Producer(set, id));
  const running = producers.map((producer) => producer.run());
  const highWatermarks = watchHighWatermarks(set);
  for (let round = 0; round < ROUNDS; round++) {
    const end = fault(set);
    await set.run(10 + below(random, 400));
    end();
    await set.run(below(random, 100));
    highWatermarks();
  }
  set.cuts.clear();
  for (const producer of producers) producer.stop();
  expect(await set.world.runUntil(() => set.isSettled, 60_000)).toBe(true);
  await set.world.settle(Promise.all(running));
  await set.world.runUntil(() => set.isSettled, 60_000);
  const logs = [...set.nodes.values()].map(stored);
  expect(logs[1]).toEqual(logs[0]);
  expect(logs[2]).toEqual(logs[0]);
  const byOffset = new Map(logs[0]!.map((batch) => [batch.offset, batch.crc]));
  const acknowledged = producers.flatMap((producer) => producer.acknowledged);
  expect(acknowledged.length).toBeGreaterThan(ROUNDS);
  for (const { offset, crc } of acknowledged) expect(byOffset.get(offset)).toBe(crc);
  expect(new Set(byOffset.values()).size).toBe(byOffset.size);
});

/** Returns a look that compares with the one before: within an epoch of one life no high watermark goes back. */
function watchHighWatermarks(set: ReplicaSet): () => void {
  const seen = new Map<object, { epoch: number; highWatermark: number }>();
  return () => {
    for (const { partition } of set.nodes.values()) {
      const { leaderEpoch: epoch, highWatermark, isLeader, log } = partition;
      const before = seen.get(partition);
      if (isLeader && before?.epoch === epoch) expect(highWatermark).toBeGreaterThanOrEqual(before.highWatermark);
      expect(highWatermark).toBeLessThanOrEqual(log.endOffset);
      seen.set(partition, { epoch, highWatermark });
    }
  };
}
