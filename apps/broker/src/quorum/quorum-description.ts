/** What DescribeQuorum tells of the quorum, as this node's machine knows it. Called by the quorum's shell. */
import type { Clock } from '@meridian/io';
import { isVoter, type Progress, type Quorum } from '@meridian/quorum';
import { RECONFIGURABLE } from './control-batches.ts';
import type { QuorumDescription, ReplicaProgress } from './quorum-node.ts';

export function describeQuorum(quorum: Quorum, leaderId: number, clock: Clock): QuorumDescription {
  const { epoch: leaderEpoch, highWatermark, voters } = quorum;
  return {
    ...{ leaderId, leaderEpoch, highWatermark },
    voters: voters.current,
    progress: progressOf(quorum, clock),
    kraftVersion: voters.currentOffset >= 0 || quorum.isBootstrap ? RECONFIGURABLE : 0,
  };
}

/** The machine's time is the monotonic clock's. */
function progressOf({ role, self, log, voters }: Quorum, clock: Clock): ReplicaProgress[] {
  if (role.kind !== 'leader') return [];
  const nowMs = clock.now();
  const offsetMs = nowMs - clock.monotonic();
  const wall = (atMs: number): number => (atMs < 0 ? -1 : Math.round(atMs + offsetMs));
  const told = ({ key, endOffset, lastFetchMs, lastCaughtUpMs }: Progress, isVoter: boolean) => ({
    ...{ ...key, isVoter, logEndOffset: endOffset },
    lastFetchTimestamp: wall(lastFetchMs),
    lastCaughtUpTimestamp: wall(lastCaughtUpMs),
  });
  const own = { ...self, isVoter: isVoter(voters.current, self), logEndOffset: log.endOffset };
  const { replicas } = role;
  const others = [
    ...replicas.voters().map((each) => told(each, true)),
    ...replicas.observers().map((each) => told(each, false)),
  ];
  const all = [{ ...own, lastFetchTimestamp: nowMs, lastCaughtUpTimestamp: nowMs }, ...others];
  return all.sort((a, b) => a.id - b.id);
}
