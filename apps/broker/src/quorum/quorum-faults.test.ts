/**
 * Three voters and an observer under random faults: killed, without power, frozen, cut off, with slow disks, with a disk that
 * is lost, while records are proposed and snapshots taken. More seeds by `SEEDS=200 npx vitest run …`.
 */
import { IoError } from '@meridian/io';
import { below, between, chance } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { configured, directoryOf, type Member, type MemberOptions, SimQuorum } from './testing/sim-quorum.ts';

const SEEDS = Number(process.env.SEEDS ?? 6);
const FIRST = Number(process.env.FIRST ?? 1);
const STEPS = 150;

/** What has been applied anywhere, by offset: nobody may ever apply anything else there. */
class Witness {
  readonly #seen = new Map<number, string>();
  /** Values whose batch a leader has seen committed in the epoch in which it was proposed. */
  readonly acknowledged = new Set<string>();

  watch(member: Member): void {
    member.onBatch = ({ baseOffset, nextOffset, epoch }, texts) => {
      const what = `${nextOffset} ${epoch} ${texts}`;
      const known = this.#seen.get(baseOffset) ?? what;
      if (known !== what) throw new Error(`node ${member.id} applies ${what} at ${baseOffset}, where ${known} was`);
      this.#seen.set(baseOffset, what);
      if (member.leadsEpoch === epoch) for (const text of texts) this.acknowledged.add(text);
    };
  }
}

async function runSeed(seed: number): Promise<number> {
  const quorum = await SimQuorum.of(seed, [1, 2, 3]);
  const { world } = quorum;
  const { random } = world;
  await quorum.boot(4, { voters: [1, 2, 3].map(configured), isController: false });
  const witness = new Witness();
  for (const member of quorum.all) witness.watch(member);
  const pick = <T>(from: readonly T[]): T => from[below(random, from.length)]!;
  await quorum.untilLed();
  await quorum.untilSame(); // a voter that never had a record is not told from one that lost them
  let said = 0;
  let isWiped = false;
  const cut = (is: boolean): void => {
    const [from, to] = [pick([1, 2, 3, 4]), pick([1, 2, 3, 4])];
    if (from !== to) world.link(`node${from}`, `node${to}`).set({ cut: is });
  };
  const propose = (): void => {
    for (const member of quorum.all) {
      if (member.machine.alive && member.leadsEpoch >= 0)
        member.propose(`${said++}`, ...(chance(random, 0.3) ? [`${said++}`] : []));
    }
  };
  const boot = async (member: Member, options: MemberOptions = {}): Promise<void> => {
    try {
      await quorum.boot(member.id, options);
    } catch (error) {
      if (!(error instanceof IoError)) throw error; // its disk was to fail just now
      member.machine.kill();
    }
  };
  const act = async (member: Member): Promise<void> => {
    const kind = below(random, 100);
    if (kind < 40) propose();
    else if (kind < 48) member.machine.kill();
    else if (kind < 54) member.machine.powerLoss();
    else if (kind < 58) member.machine.stall(between(random, [10, 4_000]));
    else if (kind < 66) cut(true);
    else if (kind < 70) cut(false);
    else if (kind < 74)
      member.machine.setSyncLatency(
        pick([
          [0, 1],
          [1, 5],
          [20, 200],
        ] as const),
      );
    else if (kind < 76 && member.machine.alive) member.node!.leaderUnreachable(member.node!.leader().id);
    else if (kind < 86 && !member.machine.alive) await boot(member);
    else if (kind < 92 && member.machine.alive) void member.takeSnapshot().catch(() => {});
    else if (kind < 93 && !isWiped && seed % 2 === 0 && member.id !== 4) {
      isWiped = true;
      member.machine.kill();
      member.machine.wipe();
      await boot(member, { directoryId: directoryOf(member.id, 1) });
    } else if (kind < 94 && member.machine.alive) member.machine.failNextSync();
  };
  for (let step = 0; step < STEPS; step++) {
    await act(pick(quorum.all));
    await world.run(world.now() + between(random, [0, 400]));
  }
  for (const from of [1, 2, 3])
    for (let to = from + 1; to <= 4; to++) world.link(`node${from}`, `node${to}`).set({ cut: false });
  for (const member of quorum.all) {
    member.machine.setSyncLatency([0, 1]);
    member.machine.kill();
    while (!member.machine.alive) await boot(member); // until the syncs that were to fail have done so
  }
  // A node whose disk failed after that is started once more, as its operator would.
  await world.run(world.now() + 3_000);
  for (const member of quorum.all) if (member.failure !== undefined) await boot(member);
  await quorum.untilLed(30_000);
  propose();
  await quorum.untilSame(60_000);
  const [first] = quorum.all;
  for (const { applied } of quorum.all) expect(applied).toEqual(first!.applied);
  const has = new Set(first!.applied);
  expect([...witness.acknowledged].filter((text) => !has.has(text))).toEqual([]);
  return witness.acknowledged.size;
}

test('whatever happens to a quorum, all apply the same, and nothing that was acknowledged is lost', async () => {
  let acknowledged = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    try {
      acknowledged += await runSeed(seed);
    } catch (error) {
      (error as Error).message = `seed ${seed}: ${(error as Error).message}`;
      throw error;
    }
  }
  expect(acknowledged).toBeGreaterThan(SEEDS * 10);
}, 600_000);
