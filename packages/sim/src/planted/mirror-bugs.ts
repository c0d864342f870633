/** Planted bugs of the mirror, sought by the suite of three regions. */
import type { PlantedBug } from './planted-bug.ts';

const MIRROR = 'apps/mirror/src';
const suite = 'geo';
/** The first with regions on Apache Kafka, as source and as target. */
const KAFKA_SEED = 2;

export const MIRROR_BUGS: readonly PlantedBug[] = [
  {
    name: 'write-ahead-skipped',
    suite,
    firstSeed: 29,
    what: 'a batch goes out before the run that it begins is durable',
    edits: [
      {
        file: `${MIRROR}/rebased/outbox.ts`,
        find: 'const changesBefore = this.savedChanges + this.changes.length;',
        replace: 'const changesBefore = 0;',
      },
    ],
  },
  {
    name: 'fence-not-awaited',
    suite,
    firstSeed: KAFKA_SEED,
    what: 'a task that takes over reads where the copy ends before the marker of its fence is written',
    edits: [
      {
        file: 'packages/client/src/transaction-fence.ts',
        find: '    await this.untilComplete(producer);\n    await this.seeMarkers(producer);\n',
        replace: '',
      },
      {
        file: `${MIRROR}/rebased/copy-tail.ts`,
        find: '  if (search.hasMarker) return',
        replace: '  return',
      },
    ],
  },
  {
    name: 'no-fence',
    suite,
    firstSeed: KAFKA_SEED,
    what: 'a task that takes over ends nobody else, and writes as itself',
    edits: [
      {
        file: 'packages/client/src/transaction-fence.ts',
        find: '    await this.addPartitions(producer);\n    await this.abort(producer);\n    await this.untilComplete(producer);\n    await this.seeMarkers(producer);\n',
        replace: '',
      },
      { file: `${MIRROR}/rebased/copy-tail.ts`, find: '  if (search.hasMarker) return', replace: '  return' },
    ],
  },
  {
    name: 'marker-counted-as-data',
    suite,
    firstSeed: KAFKA_SEED,
    what: 'after a crash the end of the log is taken for the end of the data',
    edits: [
      {
        file: `${MIRROR}/rebased/copy-tail.ts`,
        find: 'if (!header.isControl) this.lastBatch = header;',
        replace: 'if (header.nextOffset > 0) this.lastBatch = header;',
      },
    ],
  },
  {
    name: 'aborted-forwarded',
    suite,
    firstSeed: KAFKA_SEED,
    what: 'what was written by a transaction that was aborted is copied like anything else',
    edits: [
      {
        file: 'packages/client/src/fetch/aborted-data.ts',
        find: "? 'aborted' : 'data';",
        replace: "? 'data' : 'data';",
      },
    ],
  },
  {
    name: 'run-not-cut',
    suite,
    firstSeed: KAFKA_SEED,
    what: 'a run goes on where the origin has a control batch or a hole',
    edits: [
      {
        file: 'packages/coordinates/src/run-table.ts',
        find: 'const isNext = originStart === last.originStart + last.count && localStart === last.localStart + last.count;',
        replace: 'const isNext = localStart === last.localStart + last.count;',
      },
    ],
  },
  {
    name: 'hole-translated-too-far',
    suite,
    firstSeed: KAFKA_SEED,
    what: 'a place between two runs is translated to one behind the next record',
    edits: [
      {
        file: 'packages/coordinates/src/run-search.ts',
        find: 'const found = after === undefined || offset === origin.end ? local.end : after.localStart;',
        replace: 'const found = after === undefined || offset === origin.end ? local.end : after.localStart + 1;',
      },
    ],
  },
  {
    name: 'group-rewound',
    suite,
    firstSeed: KAFKA_SEED,
    what: 'what a group has committed itself is put back to what another region knows',
    edits: [
      {
        file: `${MIRROR}/groups/group-follow.ts`,
        find: 'const isWanted = target == null || this.isMoved(place, target, author, wanted);',
        replace: 'const isWanted = true;',
      },
    ],
  },
  {
    name: 'committed-ahead',
    suite,
    firstSeed: KAFKA_SEED,
    what: 'a group whose records are not all copied yet is put one record behind the end of the copy',
    edits: [
      {
        file: `${MIRROR}/groups/group-follow.ts`,
        find: "return translation.status === 'behind' ? commonEnd : translation.offset;",
        replace: "return translation.status === 'behind' ? commonEnd + 1 : translation.offset;",
      },
    ],
  },
  {
    name: 'literal-offset',
    suite,
    firstSeed: KAFKA_SEED,
    what: "a group's offset is committed at the target as it is at the source",
    edits: [
      {
        file: `${MIRROR}/groups/group-follow.ts`,
        find: "return translation.status === 'behind' ? commonEnd : translation.offset;",
        replace: "return translation.status === 'behind' ? commonEnd : offset;",
      },
      {
        file: `${MIRROR}/groups/group-follow.ts`,
        find: 'function wantedOf({ translation, commonEnd }: SourceCommit): number {',
        replace: 'function wantedOf({ translation, commonEnd, offset }: SourceCommit): number {',
      },
    ],
  },
  {
    name: 'control-forwarded',
    suite,
    firstSeed: KAFKA_SEED,
    what: 'markers of transactions are sent to the copy as if they were records',
    edits: [
      {
        file: `${MIRROR}/rebased/ledger.ts`,
        find: "if (batch.kind === 'data') this.planBatch(batch);",
        replace: "if (batch.kind !== 'aborted') this.planBatch(batch);",
      },
      {
        file: `${MIRROR}/rebased/source-batches.ts`,
        find: "segments: kind === 'data' ?",
        replace: "segments: kind !== 'aborted' ?",
      },
    ],
  },
  {
    name: 'known-by-name',
    suite,
    what: 'a topic that was deleted and made again is taken for the one that was copied',
    edits: [
      {
        file: `${MIRROR}/link/reconcile.ts`,
        find: 'if (origin.originTopicId !== topic.id) {',
        replace: 'if (false as boolean) {',
      },
    ],
  },
  {
    name: 'gap-not-recorded',
    suite,
    what: 'a copy goes on behind lost records, and nobody writes down that they are',
    edits: [
      {
        file: `${MIRROR}/gaps/gap-store.ts`,
        find: '    await this.topic.put(gapKey(gap), encodeGap(gap));\n',
        replace: '',
      },
    ],
  },
  {
    name: 'gap-begins-late',
    suite,
    what: 'of a range that is lost only the last offset is put on record',
    edits: [
      {
        file: `${MIRROR}/task/loss.ts`,
        find: "return { kind: 'retention', from: wanted, to: sourceStart,",
        replace: "return { kind: 'retention', from: sourceStart - 1, to: sourceStart,",
      },
    ],
  },
  {
    name: 'append-anywhere',
    suite,
    firstSeed: 4,
    what: 'a leader appends what the mirror sends also where records before it are missing',
    edits: [
      {
        file: 'apps/broker/src/partition/mirror-append.ts',
        find: 'if (tag.expectedEnd !== logEnd) {',
        replace: 'if (tag.expectedEnd < logEnd) {',
      },
    ],
  },
  {
    name: 'copies-of-copies',
    suite,
    what: 'a topic that is itself a copy is mirrored onwards',
    edits: [
      {
        file: `${MIRROR}/link/reconcile.ts`,
        find: '  if (origin !== undefined && origin.promotedAt === undefined) return false;\n',
        replace: '',
      },
    ],
  },
  {
    name: 'silence-called-healthy',
    suite,
    what: 'a partition of which nothing is heard goes on being called healthy',
    edits: [
      {
        file: `${MIRROR}/task/task-status.ts`,
        find: 'if (silentMs >= limits.silentMs) {',
        replace: 'if (silentMs < 0) {',
      },
    ],
  },
];
