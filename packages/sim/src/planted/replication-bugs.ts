/** Planted bugs of partitions: leaders, followers, their logs. */
import type { PlantedBug } from './planted-bug.ts';

const PARTITION = 'apps/broker/src/partition';

export const REPLICATION_BUGS: readonly PlantedBug[] = [
  {
    name: 'ack-before-isr',
    what: 'acks=all is acknowledged when the leader alone has the records',
    edits: [
      {
        file: `${PARTITION}/leader.ts`,
        find: '(isForAll ? leader.waiting : leader.waitingForLog).add(acknowledgement);',
        replace: 'leader.waitingForLog.add(acknowledgement);',
      },
    ],
  },
  {
    name: 'truncate-to-high-watermark',
    what: 'a follower of a new leader cuts its log to the high watermark that it knows (before KIP-101)',
    edits: [
      {
        file: `${PARTITION}/replica-roles.ts`,
        find: '    this.follower = new FollowerRole({',
        replace:
          '    if (log.endOffset > this.#lastHighWatermark) log.truncateTo(Math.max(log.startOffset, this.#lastHighWatermark));\n    this.follower = new FollowerRole({',
      },
    ],
  },
  {
    name: 'watermark-without-pending',
    what: 'the high watermark passes replicas that join the in-sync set by a change that is under way',
    edits: [
      {
        file: `${PARTITION}/in-sync-set.ts`,
        find: 'if (replica.isAwaited || (keepsUp(replica, ends.logEnd, rules.lagMaxMs, nowMs) && isEligible(set, replica))) {',
        replace: 'if (set.isr.includes(replica.id)) {',
      },
    ],
  },
  {
    name: 'ack-below-min-isr',
    what: 'after the in-sync set has shrunk below min.insync.replicas what was appended before is still acknowledged',
    edits: [
      {
        file: `${PARTITION}/in-sync-set.ts`,
        find: 'if (isUnderMin(set, rules.minInsyncReplicas)) return -1;\n',
        replace: '',
      },
    ],
  },
  {
    name: 'isr-expansion-unchecked',
    what: 'a follower joins the in-sync set at a high watermark that a new leader does not know yet, not at the start of its epoch',
    edits: [
      {
        file: `${PARTITION}/in-sync-set.ts`,
        find: 'if (replica.end < highWatermark || replica.end < epochStart || !isEligible(set, replica)) return undefined;',
        replace: 'if (replica.end < highWatermark && replica.end < epochStart) return undefined;',
      },
    ],
  },
  {
    name: 'follower-watermark-beyond-end',
    what: 'a follower believes a high watermark that lies beyond what it has',
    edits: [
      {
        file: `${PARTITION}/follower.ts`,
        find: 'const highWatermark = Math.min(answer.highWatermark, end);',
        replace: 'const { highWatermark } = answer;',
      },
    ],
  },
  {
    name: 'truncates-too-little',
    what: "a follower cuts its log to where its own epoch ends, whatever the leader's",
    edits: [
      {
        file: `${PARTITION}/follower.ts`,
        find: 'const truncateTo = isShared ? Math.min(ownEnd, diverging.endOffset) : ownEnd;',
        replace: 'const truncateTo = Math.max(ownEnd, diverging.endOffset) - 1;',
      },
    ],
  },
  {
    name: 'old-leader-serves',
    what: 'a leader that is told of another one goes on',
    edits: [
      {
        file: `${PARTITION}/replica-roles.ts`,
        find: '} else if (this.follower?.leaderEpoch !== leaderEpoch || this.follower.leader !== leader) {',
        replace: '} else if (this.leader === undefined && this.follower?.leaderEpoch !== leaderEpoch) {',
      },
    ],
  },
  {
    name: 'no-producer-state',
    what: 'a follower keeps no account of producers, so that as a leader it does not know what it has',
    edits: [
      {
        file: 'packages/log/src/partition-log.ts',
        find: '      this.note(header, header.partitionLeaderEpoch, () => bytes.subarray(start, at));\n',
        replace:
          '      this.note({ ...header, producerId: -1 }, header.partitionLeaderEpoch, () => bytes.subarray(start, at));\n',
      },
    ],
  },
  {
    name: 'unsound-recovery',
    what: 'a log that was not closed is opened without a look at its batches',
    edits: [
      {
        file: 'packages/log/src/batch-scan.ts',
        find: "if (verifyCrc && !batchCrcValid(window.at(position, header.sizeInBytes), nativeCrc32c)) return 'wrong CRC';",
        replace: '',
      },
    ],
  },
];
