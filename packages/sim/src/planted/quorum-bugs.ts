/** Planted bugs of the metadata quorum, the controller's decisions and groups. */
import type { PlantedBug } from './planted-bug.ts';

const DECIDE = 'apps/broker/src/controller/decide';

export const QUORUM_BUGS: readonly PlantedBug[] = [
  {
    name: 'vote-twice',
    what: 'a voter that is started again votes once more in an epoch in which it has voted',
    edits: [
      {
        file: 'packages/quorum/src/state.ts',
        find: 'const voted = isBehind ? undefined : election.voted;',
        replace: 'const voted = undefined;',
      },
    ],
  },
  {
    name: 'quorum-state-unsynced',
    what: 'quorum-state is written and not fsynced',
    edits: [
      {
        file: 'apps/broker/src/quorum/quorum-state-file.ts',
        find: 'disk.replaceFile(join(folder, FILE), Buffer.from(quorumStateText(state)));',
        replace:
          "const file = disk.open(join(folder, FILE), 'w+'); file.writev([Buffer.from(quorumStateText(state))], 0); file.close();",
      },
    ],
  },
  {
    name: 'commit-by-count',
    what: 'a new leader of the quorum commits entries of earlier epochs by counting who has them',
    edits: [
      {
        file: 'packages/quorum/src/appending.ts',
        find: 'if (committed > leader.epochStart) commit(turn, committed);',
        replace: 'commit(turn, committed);',
      },
    ],
  },
  {
    name: 'metadata-unsynced',
    what: 'a voter asks for more metadata, and so acknowledges it, before it has fsynced what it got',
    edits: [
      {
        file: 'packages/quorum/src/state.ts',
        find: 'if (fetching !== undefined || log.durableEnd < log.endOffset) return false;',
        replace: 'if (fetching !== undefined) return false;',
      },
    ],
  },
  {
    name: 'snapshot-without-configs',
    what: 'a snapshot of the metadata lacks a type of record',
    edits: [
      {
        file: 'apps/broker/src/controller/image-records.ts',
        find: '  yield* configRecords(image);\n',
        replace: '',
      },
    ],
  },
  {
    name: 'leader-epoch-not-bumped',
    what: 'a partition that gets another leader stays in its leader epoch',
    edits: [
      {
        file: 'apps/broker/src/controller/apply.ts',
        find: 'leaderEpoch: moved ? before.leaderEpoch + 1 : before.leaderEpoch,',
        replace: 'leaderEpoch: before.leaderEpoch,',
      },
    ],
  },
  {
    name: 'unclean-election',
    what: 'a replica that is not known to have all that is committed is elected, though that is not configured',
    edits: [
      {
        file: `${DECIDE}/partition-change.ts`,
        find: "const alive = election === 'unclean' ? draft.replicas.find((id) => mayLead(id)) : undefined;",
        replace: 'const alive = draft.replicas.find((id) => mayLead(id));',
      },
    ],
  },
  {
    name: 'stale-elr',
    what: 'eligible replicas stay eligible when enough others are in sync again and go on without them',
    edits: [
      {
        file: `${DECIDE}/partition-change.ts`,
        find: 'if (!around.hasElr || mayCommit(around, draft)) return [];',
        replace: 'if (!around.hasElr) return [];',
      },
      {
        file: `${DECIDE}/partition-change.ts`,
        find: '  if (mayCommit(around, draft)) draft.elr = [];\n',
        replace: '',
      },
    ],
  },
  {
    name: 'unclean-restart-stays-eligible',
    firstSeed: 79,
    what: 'a broker that did not stop cleanly registers as one that did, and stays eligible',
    edits: [
      {
        file: `${DECIDE}/register-broker.ts`,
        find: 'isClean: existing !== undefined && command.previousBrokerEpoch === existing.epoch,',
        replace: 'isClean: true,',
      },
    ],
  },
  {
    name: 'stale-alter-partition',
    what: 'the controller takes an in-sync set of an earlier partition epoch, with brokers that have been started anew since',
    edits: [
      {
        file: `${DECIDE}/alter-partition.ts`,
        find: 'if (asked.partitionEpoch < partition.partitionEpoch) return ERROR.INVALID_UPDATE_VERSION;\n',
        replace: '',
      },
      {
        file: `${DECIDE}/alter-partition.ts`,
        find: 'return !inControlledShutdown && (brokerEpoch === -1 || brokerEpoch === epoch);',
        replace: 'return !inControlledShutdown && brokerEpoch <= epoch;',
      },
    ],
  },
  {
    name: 'commit-of-offsets-not-replicated',
    what: 'a group is told that its offsets are committed before they are on the in-sync replicas',
    edits: [
      {
        file: 'apps/broker/src/groups/offsets-log.ts',
        find: 'this.#partition.awaitCommitted(part);',
        replace: 'part.settle(0);',
      },
    ],
  },
];
