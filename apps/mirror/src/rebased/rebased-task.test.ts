import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ModelKafka } from './model-kafka.ts';
import { Actor, randomOf, someOrigin } from './model-world.ts';
import type { SourceBatch } from './rebased-messages.ts';

const MAX_TURNS = 20_000;

/** Origin offsets of what was committed, in order. */
const committed = (origin: readonly SourceBatch[]): number[] =>
  origin
    .filter((batch) => batch.kind === 'data')
    .flatMap((batch) => batch.segments)
    .flatMap(({ originStart, count }) => Array.from({ length: count }, (_, index) => originStart + index));

function finish(actor: Actor, random: () => number): void {
  const isDone = () => actor.task.phase === 'mirroring' && actor.task.position >= actor.sourceEnd;
  for (let turn = 0; turn < MAX_TURNS && !isDone() && actor.task.phase !== 'halted'; turn++) actor.turn(random, 0);
}

/** Crashes, zombies that go on, lost and doubled answers; then the last task finishes in peace. */
function live(seed: number, intrudes: boolean): { actor: Actor; target: ModelKafka; origin: SourceBatch[] } {
  const random = randomOf(seed);
  const origin = someOrigin(random, 5 + Math.floor(random() * 60));
  const target = new ModelKafka(random() < 0.5 ? 1 + Math.floor(random() * 12) : undefined);
  let actors = [new Actor(target, origin)];
  const turns = 1 + Math.floor(random() * 600);
  for (let turn = 0; turn < turns; turn++) {
    if (random() < 0.02) actors = [...actors.slice(random() < 0.5 ? -1 : -3), new Actor(target, origin)];
    if (intrudes && turn === turns >> 1) target.intrude();
    actors[Math.floor(random() * actors.length)]!.turn(random, 0.04);
  }
  const actor = new Actor(target, origin);
  for (let turn = 0; turn < 40; turn++) actors[Math.floor(random() * actors.length)]!.turn(random, 0.04);
  finish(actor, random);
  return { actor, target, origin };
}

function expectExact(actor: Actor, target: ModelKafka, origin: readonly SourceBatch[]): void {
  const { table } = actor.task.ledger;
  const wanted = committed(origin);
  for (const offset of wanted)
    expect(table.toLocal(offset)).toEqual({ status: 'exact', offset: target.log.indexOf(offset) });
  for (let at = origin[0]!.baseOffset; at < table.originEnd; at++) {
    const next = wanted.find((offset) => offset >= at);
    const answer = table.toLocal(at);
    if (next !== undefined && at >= wanted[0]!) expect(answer).toEqual(table.toLocal(next));
  }
  target.log.forEach((record, local) => {
    if (record !== null) expect(table.toOrigin(local)).toEqual({ status: 'exact', offset: record });
  });
}

test('whatever crashes, lingers, is lost or comes twice: every committed record is there once, in order, and translates exactly', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { actor, target, origin } = live(seed, false);
      expect([actor.task.phase, actor.task.reason]).toEqual(['mirroring', null]);
      expect(target.log.filter((record) => record !== null)).toEqual(committed(origin));
      expectExact(actor, target, origin);
    }),
    { numRuns: 300 },
  );
});

test('a successor that finds everything copied translates exactly, without writing a record', () => {
  const { target, origin } = live(7, false);
  const records = target.log.filter((record) => record !== null).length;
  const successor = new Actor(target, origin);
  finish(successor, randomOf(1));
  expect(target.log.filter((record) => record !== null)).toHaveLength(records);
  expectExact(successor, target, origin);
});

test('a task that is alone with somebody else who writes finds out by itself', () => {
  const random = randomOf(3);
  const origin = someOrigin(random, 60);
  const target = new ModelKafka();
  const actor = new Actor(target, origin);
  for (let turn = 0; turn < MAX_TURNS && actor.task.ledger.table.localEnd < 20; turn++) actor.turn(random, 0);
  target.intrude();
  finish(actor, random);
  expect(actor.task.reason).toContain('somebody else writes to the copy');
});

test('somebody else who writes halts it, and so does every successor', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { target, origin } = live(seed, true);
      const successor = new Actor(target, origin);
      finish(successor, randomOf(seed));
      expect(successor.task.phase).toBe('halted');
    }),
    { numRuns: 1_000 },
  );
});
