/**
 * How long a partition has no leader that takes a write, after its leader was killed or stopped: from the signal to the
 * acknowledgement of the first write that was sent after it. Rows of `bench -- cluster`.
 */
import { ERROR } from '@meridian/protocol';
import type { Cluster } from '../../peers/cluster.ts';
import {
  activeController,
  allInSync,
  createTopic,
  deleteTopic,
  partitionsSeenBy,
  pause,
  until,
} from '../../peers/cluster-admin.ts';
import type { NodeProcess } from '../../peers/node-process.ts';
import { payloadOf } from '../broker/payloads.ts';
import type { ClusterRow } from './load-rows.ts';
import { nameOfTopic, produceOnce, TWO_IN_SYNC } from './replicated-topic.ts';

const LIMIT_MS = 120_000;
const ONE_TRY_MS = 1_000;
const ASK_EVERY_MS = 10;
/** So that nothing of the start of a node goes on beside what is measured. */
const SETTLE_MS = 3_000;
const ONE_RECORD = payloadOf(100, 0);

type Fault = 'kill' | 'stop';

export const OUTAGE_ROWS: readonly ClusterRow[] = [
  {
    id: 'kill',
    work: 'a leader is killed (kill -9)',
    measures: [{ name: 'time without a writable leader', unit: 's', ownAtMost: [2, 1] }],
    run: async (cluster) => ({ values: [await outageSeconds(cluster, 'kill', false)] }),
  },
  {
    id: 'kill-controller',
    work: 'a leader is killed that is the active controller, too',
    measures: [{ name: 'time without a writable leader', unit: 's' }],
    run: async (cluster) => ({ values: [await outageSeconds(cluster, 'kill', true)] }),
  },
  {
    id: 'stop',
    work: 'a leader is stopped (SIGSTOP)',
    measures: [{ name: 'time without a writable leader', unit: 's', atMost: [1.1, 1] }],
    run: async (cluster) => ({ values: [await outageSeconds(cluster, 'stop', false)] }),
  },
];

/** The cluster is whole again afterwards. */
async function outageSeconds(cluster: Cluster, fault: Fault, ofController: boolean): Promise<number> {
  const controller = await activeController(cluster);
  const victim = cluster.nodes.find(({ id }) => (id === controller) === ofController)!;
  const others = cluster.nodes.filter((node) => node !== victim);
  const topic = nameOfTopic();
  await createTopic(cluster, topic, [[victim.id, ...others.map(({ id }) => id)]], TWO_IN_SYNC);
  await allInSync(cluster, topic, LIMIT_MS);
  if ((await produceOnce(victim.clientPort, topic, 0, ONE_RECORD)) !== ERROR.NONE) throw new Error('not writable');
  await pause(SETTLE_MS);
  const began = performance.now();
  if (fault === 'stop') victim.pause();
  else await victim.kill();
  await writtenTo(others, victim.id, topic);
  const tookMs = performance.now() - began;
  if (fault === 'stop') victim.resume();
  else await victim.start();
  await until('the node is in sync again', LIMIT_MS, async () => {
    const views = await Promise.all(cluster.nodes.map(({ clientPort }) => partitionsSeenBy(clientPort, topic)));
    return views.every(([partition]) => partition?.isr.length === cluster.nodes.length);
  });
  await deleteTopic(cluster, topic);
  await pause(SETTLE_MS);
  return tookMs / 1_000;
}

/** Asks both others who leads, and tries to write there, until that succeeds. */
async function writtenTo(others: readonly NodeProcess[], victimId: number, topic: string): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  while (performance.now() < deadlineMs) {
    for (const { clientPort } of others) {
      const leaderId = await partitionsSeenBy(clientPort, topic, ONE_TRY_MS).then(
        ([partition]) => partition?.leader,
        () => undefined,
      );
      const leader = others.find(({ id }) => id === leaderId && id !== victimId);
      if (leader === undefined) continue;
      const errorCode = await produceOnce(leader.clientPort, topic, 0, ONE_RECORD, ONE_TRY_MS).catch(() => undefined);
      if (errorCode === ERROR.NONE) return;
    }
    await pause(ASK_EVERY_MS);
  }
  throw new Error(`no writable leader in ${LIMIT_MS} ms`);
}
