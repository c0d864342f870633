/**
 * Random quorums: messages are delivered in any order, twice or never, nodes die and come back, lose their disks and what
 * they had not fsynced, voters come and go. After every step the invariants hold; healed, every quorum converges.
 */
import { expect, test } from 'vitest';
import { nextDeadlineMs } from './state.ts';
import { directoryFor, type Message, type Node, recordsOf, Scene, voterFor } from './testing/scene.ts';
import { majorityOf } from './voters.ts';

/** More of them by `SEEDS=20000 npx vitest run …`. */
const SEEDS = Number(process.env.SEEDS ?? 150);
const STEPS = 1_000;

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What has happened, over all lives. */
class Witness {
  readonly leaders = new Map<number, number>();
  /** `epoch says`, by offset. */
  readonly committed: string[] = [];
  /** The epoch in which each offset was committed. */
  private readonly epochs: number[] = [];
  elections = 0;

  watch(scene: Scene): void {
    scene.onEffect = (node, effect) => {
      if (effect.kind === 'role' && effect.role === 'leader') this.lead(node, effect.epoch);
      if (effect.kind === 'committed') this.commit(node, effect.highWatermark);
    };
  }

  private lead(node: Node, epoch: number): void {
    expect(this.leaders.get(epoch) ?? node.id, `leaders of epoch ${epoch}`).toBe(node.id);
    this.leaders.set(epoch, node.id);
    this.elections += 1;
    const has = this.textsOf(node);
    for (const [offset, text] of this.committed.entries()) {
      // Who won an older epoch, and learns it late, leads nobody.
      if (this.epochs[offset]! < epoch) expect(has[offset], `leader ${node.id} at ${offset}`).toBe(text);
    }
  }

  private commit(node: Node, highWatermark: number): void {
    const has = this.textsOf(node);
    for (let offset = 0; offset < highWatermark; offset++) {
      this.committed[offset] ??= has[offset]!;
      this.epochs[offset] ??= node.quorum.epoch;
      expect(has[offset], `committed by ${node.id} at ${offset}`).toBe(this.committed[offset]);
    }
  }

  private textsOf(node: Node): string[] {
    const below = node.snapshot?.says ?? [];
    return [...below, ...node.log.flatMap(recordsOf)];
  }
}

function runSeed(seed: number): Witness {
  const random = seeded(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;
  const size = pick([1, 2, 3, 3, 3, 5]);
  const voters = Array.from({ length: size }, (_, index) => index + 1);
  const scene = new Scene(voters, { observers: [8, 9], random, isBootstrap: seed % 2 === 0 });
  const witness = new Witness();
  witness.watch(scene);
  scene.syncsAtOnce = () => random() < 0.8;
  let said = 0;
  const wiped = new Set<number>();
  const cut = new Set<string>();
  const isCut = ({ from, to }: Message) => cut.has(`${from} ${to}`);
  const act = (): void => {
    const ids = [...scene.nodes.keys()];
    const id = pick(ids);
    const node = scene.node(id);
    const kind = below(100);
    if (kind < 70 && scene.bag.length > 0) {
      const index = below(Math.min(scene.bag.length, 12));
      const message = scene.bag[index]!;
      if (random() > 0.05) scene.bag.splice(index, 1);
      if (isCut(message) || random() < 0.04) scene.fail(message);
      else scene.deliver(message);
    } else if (kind < 78) {
      const awake = [...scene.nodes.values()].filter(({ isAlive }) => isAlive);
      const next = awake.sort((a, b) => nextDeadlineMs(a.quorum) - nextDeadlineMs(b.quorum))[0];
      if (next !== undefined) wakeUp(scene, next);
    } else if (kind < 86) {
      const leader = [...scene.nodes.values()].find(({ quorum }) => quorum.role.kind === 'leader')?.id ?? id;
      scene.input(leader, { kind: 'propose', proposal: `${said++}`, recordCount: 1 });
    } else if (kind < 88) scene.flush(id);
    else if (kind < 90) {
      if (node.isAlive) scene.crash(id);
    } else if (kind < 94) {
      if (!node.isAlive) scene.restart(id);
    } else if (kind < 95) scene.takeSnapshot(id);
    else if (kind < 96) scene.input(id, { kind: 'resign' });
    else if (kind < 98) {
      if (cut.size > 4) cut.clear();
      else cut.add(`${pick(ids)} ${pick(ids)}`);
    } else if (kind < 99 && node.isAlive && wiped.size === 0 && size >= 3) {
      scene.crash(id);
      if (random() < 0.5) scene.wipe(id);
      else scene.forget(id);
      wiped.add(id);
    } else if (random() < 0.5) scene.input(id, { kind: 'leaderUnreachable', leaderId: node.quorum.leaderId });
    else changeVoters(id);
  };
  const changeVoters = (leader: number): void => {
    const who = pick([1, 2, 3, 8, 9]);
    if (!scene.nodes.has(who)) return;
    const voter = voterFor(who, { directoryId: scene.node(who).directoryId });
    const request =
      random() < 0.6
        ? ({ api: 'AddRaftVoter', voter, isReachable: true, timeoutMs: 1_000 } as const)
        : ({ api: 'RemoveRaftVoter', voter: { id: who, directoryId: directoryFor(who) }, timeoutMs: 1_000 } as const);
    scene.input(leader, { kind: 'request', from: undefined, request });
  };
  for (let count = 0; count < STEPS; count++) act();
  settle(scene);
  return witness;
}

/** Whoever is woken has something to do, and then sleeps until a later time: else its shell would spin. */
function wakeUp(scene: Scene, { id, quorum }: Node): void {
  for (let count = 0; count < 5; count++) {
    scene.wake(id);
    if (nextDeadlineMs(quorum) > scene.nowMs) return;
  }
  throw new Error(`node ${id} wants to be woken again and again, as ${quorum.role.kind}`);
}

/** Not where a majority of some voter set has lost its disks: that is for people to mend. */
function canBeLed(scene: Scene): boolean {
  return [...scene.nodes.values()].every(({ quorum }) => {
    const voters = quorum.voters.current;
    const intact = voters.filter(({ id, directoryId }) => scene.nodes.get(id)?.directoryId === directoryId);
    const hasBegun = intact.some(({ id }) => scene.node(id).quorum.log.endOffset > 0);
    return intact.length >= (hasBegun ? majorityOf(voters) : voters.length);
  });
}

/** Everybody is up, everything arrives in order: within a minute there is a leader, and all have its log. */
function settle(scene: Scene): void {
  scene.syncsAtOnce = () => true;
  for (const { id, isAlive } of scene.nodes.values()) {
    if (isAlive) scene.crash(id);
    scene.restart(id);
  }
  scene.bag.length = 0;
  const limit = scene.nowMs + 60_000;
  for (let count = 0; scene.nowMs < limit; count++) {
    if (count > 100_000) throw new Error('busy without end');
    const message = scene.bag.shift();
    if (message !== undefined) scene.deliver(message);
    else {
      const next = [...scene.nodes.values()].sort((a, b) => nextDeadlineMs(a.quorum) - nextDeadlineMs(b.quorum))[0]!;
      scene.wake(next.id);
    }
  }
  if (!canBeLed(scene)) return;
  const leader = [...scene.nodes.values()].find(({ quorum }) => quorum.role.kind === 'leader');
  expect(leader, 'somebody leads').toBeDefined();
  const { endOffset } = leader!.quorum.log;
  for (const { id, quorum } of scene.nodes.values()) {
    expect([id, quorum.log.endOffset, quorum.highWatermark]).toEqual([id, endOffset, endOffset]);
  }
}

test('random quorums elect one leader an epoch, lose nothing that is committed, and converge', () => {
  let elections = 0;
  let committed = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const witness = runSeed(seed);
      elections += witness.elections;
      committed += witness.committed.length;
    } catch (error) {
      (error as Error).message = `seed ${seed}: ${(error as Error).message}`;
      throw error;
    }
  }
  expect(elections).toBeGreaterThan(SEEDS);
  expect(committed).toBeGreaterThan(SEEDS * 10);
});
