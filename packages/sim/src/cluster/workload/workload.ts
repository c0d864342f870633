/**
 * The clients of a run, on machines of their own: writers, readers, a group and an administrator. The topics exist before
 * the first record. Invariant: whoever the clients are, they share nothing but the history.
 */
import type { Client } from '@meridian/client';
import type { Random } from '@meridian/io';
import { createSeededRandom } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import type { History } from '../history.ts';
import { CLUSTER_LIMITS as LIMITS } from '../limits.ts';
import { GROUP, GROUP_TOPIC, LOOSE_TOPIC, type TopicPlan } from '../plan.ts';
import { CLIENT_MACHINES, type Region } from '../region.ts';
import { Churn } from './churn.ts';
import { GroupCalls } from './group-calls.ts';
import { lookAtCommitted, runMember } from './group-member.ts';
import { type Reader, startReader } from './reader.ts';
import { runLooseWriter, runWriter } from './writer.ts';

const RF = 3;

export interface Workload {
  readonly churn: Churn;
  /** Every write has been answered, one way or the other. */
  writersDone(): boolean;
  /** What readers and the group have not got yet. */
  missing(): string[];
  /** The storm is over: members stay. */
  calm(): void;
  readonly coordinatorMoves: number;
}

export async function startWorkload(region: Region, history: History): Promise<Workload> {
  const { world, plan } = region;
  const trace = (line: string): void => world.trace(line);
  const admin = region.client(CLIENT_MACHINES[0], 'admin');
  await createTopics(admin.client, plan.topics, (pauseMs) => admin.io.timers.sleep(pauseMs));
  const running = new Set<string>();
  const track = (name: string, work: Promise<void>): void => {
    running.add(name);
    work
      .catch((error: Error) => history.complaints.push(`${name} broke: ${error.stack}`))
      .finally(() => running.delete(name));
  };
  const clientOf = (name: string, number: number) =>
    region.client(CLIENT_MACHINES[number % CLIENT_MACHINES.length]!, name);
  const promised = plan.topics.filter(({ isPromised }) => isPromised);
  for (let n = 0; n < plan.writers; n++) {
    const name = `w${n}`;
    track(name, runWriter({ ...clientOf(name, n), name, topics: promised, history, trace }));
  }
  const loose = plan.topics.filter(({ name }) => name === LOOSE_TOPIC);
  track('l0', runLooseWriter({ ...clientOf('l0', 1), name: 'l0', topics: loose, history, trace }));
  const readers = [0, 1].map((n) => startReader({ ...clientOf(`r${n}`, n), name: `r${n}`, plan, history }));
  const group = startGroup(region, history, clientOf, trace);
  const random: Random = createSeededRandom(world.seed, 'churn');
  const brokerIds = region.brokers.map((slot) => slot.plan.id);
  const churn = new Churn({ ...clientOf('churn', 1), random, brokerIds, clusterId: plan.clusterId, trace });
  return {
    churn,
    writersDone: () => running.size === 0,
    missing: () =>
      [...running].map((name) => `${name} still writes`).concat(behind(promised, readers, history), group.behind()),
    calm: group.calm,
    get coordinatorMoves() {
      return group.moves.coordinator;
    },
  };
}

function behind(topics: readonly TopicPlan[], readers: readonly Reader[], history: History): string[] {
  return topics.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, index) => index).flatMap((index) => {
      const end = history.of(name, index).acknowledgedEnd;
      return readers
        .map((reader) => reader.positionOf(name, index))
        .filter((position) => position < end)
        .map((position) => `a reader has ${name}-${index} up to ${position} of ${end}`);
    }),
  );
}

type ClientOf = (name: string, number: number) => ReturnType<Region['client']>;

function startGroup({ plan }: Region, history: History, clientOf: ClientOf, trace: (line: string) => void) {
  const { partitions } = plan.topics.find(({ name }) => name === GROUP_TOPIC)!;
  const moves = { coordinator: 0 };
  let isCalm = false;
  const callsOf = (client: Client): GroupCalls => {
    const calls = new GroupCalls(client, GROUP);
    calls.onMoved = () => void moves.coordinator++;
    return calls;
  };
  for (let n = 0; n < plan.groupMembers; n++) {
    const { io, client } = clientOf(`m${n}`, n);
    const rest = { topic: GROUP_TOPIC, partitions, history, fetchBytes: plan.fetchBytes, trace, isOver: () => isCalm };
    void runMember({ io, client, calls: callsOf(client), ...rest });
  }
  const { io, client } = clientOf('watcher', 0);
  void watchOffsets(callsOf(client), history, partitions, () => io.timers.sleep(LIMITS.watchOffsetsMs));
  return {
    moves,
    calm: () => {
      isCalm = true;
    },
    behind: () =>
      Array.from({ length: partitions }, (_, index) => index).flatMap((index) => {
        const end = history.of(GROUP_TOPIC, index).acknowledgedEnd;
        const committed = history.committed.get(`${GROUP}/${GROUP_TOPIC}-${index}`) ?? 0;
        return committed < end ? [`the group has committed ${committed} of ${end} of ${GROUP_TOPIC}-${index}`] : [];
      }),
  };
}

/** Somebody who only looks: what is committed never moves back. */
async function watchOffsets(
  calls: GroupCalls,
  history: History,
  partitions: number,
  rest: () => Promise<void>,
): Promise<void> {
  for (;;) {
    await rest();
    for (let index = 0; index < partitions; index++)
      await lookAtCommitted(calls, history, GROUP_TOPIC, index).catch(() => undefined);
  }
}

async function createTopics(
  client: Client,
  topics: readonly TopicPlan[],
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  const wanted = topics.map(({ name, partitions, configs }) => ({
    name,
    numPartitions: partitions,
    replicationFactor: RF,
    configs,
  }));
  for (;;) {
    const outcomes = await client.createTopics(wanted).catch(() => []);
    const isThere = ({ errorCode }: { errorCode: number }): boolean =>
      errorCode === ERROR.NONE || errorCode === ERROR.TOPIC_ALREADY_EXISTS;
    if (outcomes.length > 0 && outcomes.every(isThere)) return;
    await sleep(LIMITS.retryMs);
  }
}
