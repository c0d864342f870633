/**
 * A voter dies just after an election has begun, and is asked for its vote once more as soon as it is back, on behalf of
 * the other voters: by candidates whose requests were long under way. Whatever it has voted before must count on.
 * Invariant: it is asked in the epoch of that election only, so at most one vote of one voter is used up.
 */
import { between } from '@meridian/io/sim';
import { Vote } from '@meridian/protocol';
import type { NodeSlot } from '../node-slot.ts';
import { uuidText } from '../plan.ts';
import type { Fault, FaultContext } from './fault.ts';

const DIES_AFTER_MS = [0, 4] as const;
const RESTART_MS = [1, 5] as const;
const ASK_FOR_MS = 120;
const ASK_EVERY_MS = 4;
const TIMEOUT_MS = 60;
/** Newer than anybody's. */
const LAST_OFFSET = 1_000_000;

export const lateCandidate: Fault = (context) => {
  const { region, random, atlas, whenEpochMoves } = context;
  const afterMs = between(random, DIES_AFTER_MS);
  const restartMs = between(random, RESTART_MS);
  return whenEpochMoves((slot, epoch) => {
    region.world.after(afterMs, () => {
      if (!slot.plan.isController || slot.plan.directoryId === undefined || !atlas.mayKill(slot)) return;
      slot.kill(restartMs);
      void askFor(context, slot, epoch);
    });
  });
};

async function askFor({ region }: FaultContext, slot: NodeSlot, epoch: number): Promise<void> {
  const { io, client } = region.peerOf(slot);
  const untilMs = io.clock.monotonic() + ASK_FOR_MS;
  const candidates = region.controllers.filter((other) => other !== slot);
  for (let turn = 0; io.clock.monotonic() < untilMs; turn++) {
    const body = voteRequest(region.plan.clusterId, slot, candidates[turn % candidates.length]!, epoch);
    const answer = await client.send(Vote, body, 'any', { timeoutMs: TIMEOUT_MS }).catch(() => undefined);
    if (answer === undefined) await io.timers.sleep(ASK_EVERY_MS);
  }
  await client.close();
}

function voteRequest(clusterId: string, voter: NodeSlot, candidate: NodeSlot, replicaEpoch: number) {
  const partition = {
    partitionIndex: 0,
    replicaEpoch,
    replicaId: candidate.plan.id,
    replicaDirectoryId: uuidText(candidate.plan.directoryId!),
    voterDirectoryId: uuidText(voter.plan.directoryId!),
    lastOffsetEpoch: replicaEpoch - 1,
    lastOffset: LAST_OFFSET,
    preVote: false,
  };
  const topics = [{ topicName: '__cluster_metadata', partitions: [partition] }];
  return { clusterId, voterId: voter.plan.id, topics };
}
