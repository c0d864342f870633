/**
 * Up to where a region that came back and the copy that was promoted meanwhile have the same records, per partition. By
 * leader epochs, as two logs that went apart may have other records at the same offsets (KIP-101). Used by fail-backs.
 * Invariant: what is told as common is the same in both; what cannot be proved is not.
 */
import { type CallOptions, type Client, EARLIEST } from '@meridian/client';
import type { CopyFacts, RunsStore } from '@meridian/coordinates';
import { ERROR, errorName, Fetch } from '@meridian/protocol';

export interface Compared {
  /** Of the region that came back: its own log. */
  readonly local: Client;
  readonly topic: string;
  /** Of the region that took over. */
  readonly promoted: Client;
  readonly facts: CopyFacts;
  readonly runs: RunsStore | undefined;
  readonly call: CallOptions;
}

interface OriginEpoch {
  readonly epoch: number;
  readonly startOffset: number;
}

/** In the offsets of the region that came back. */
export async function commonEnd(compared: Compared, partition: number): Promise<number> {
  const { facts } = compared;
  const { cut, epochs } = await copied(compared, partition, facts.promotedAt?.[partition] ?? 0);
  const { local, topic, call } = compared;
  const start = await startOf(local, topic, partition, call);
  // From the newest epoch that was copied back to one that the local log knows, too.
  for (let at = epochs.length - 1; at >= 0; at--) {
    const { epoch } = epochs[at]!;
    const endHere = Math.min(cut, epochs[at + 1]?.startOffset ?? cut);
    const [known] = await local.offsetForLeaderEpoch([{ topic, partition, leaderEpoch: epoch }], call);
    if (known === undefined || known.errorCode !== ERROR.NONE)
      throw new Error(`the epochs of ${topic}-${partition}: ${errorName(known?.errorCode ?? -1)}`);
    if (known.leaderEpoch === epoch) return Math.max(start, Math.min(endHere, known.endOffset));
  }
  return Math.min(start, cut);
}

/** The origin's epochs below the cut, and the cut, both in the origin's offsets. */
async function copied(
  { promoted, facts, runs, call }: Compared,
  partition: number,
  cut: number,
): Promise<{ cut: number; epochs: OriginEpoch[] }> {
  if (runs === undefined) {
    const entries = await originEpochs(promoted, facts.copy, partition, cut, call);
    return { cut, epochs: entries.filter(({ startOffset }) => startOffset < cut) };
  }
  const followed = await runs.caughtUp({ copyId: facts.copyId, partition });
  const start = await startOf(promoted, facts.copy, partition, call);
  const end = followed.between(start, cut).toOrigin(cut);
  const originCut = end.status === 'behind' ? 0 : end.offset;
  return { cut: originCut, epochs: followed.originEpochs().filter(({ startOffset }) => startOffset < originCut) };
}

async function startOf(client: Client, topic: string, partition: number, call: CallOptions): Promise<number> {
  const [found] = await client.listOffsets([{ topic, partition, timestamp: EARLIEST }], call);
  if (found?.errorCode === ERROR.NONE) return found.offset;
  throw new Error(`the start of ${topic}-${partition}: ${errorName(found?.errorCode ?? -1)}`);
}

/** Our brokers tell them to the internal listener, in the answer to a fetch. */
async function originEpochs(
  client: Client,
  topic: string,
  partition: number,
  fetchOffset: number,
  call: CallOptions,
): Promise<readonly OriginEpoch[]> {
  const leader = await client.leaderOf(topic, partition, call);
  const topicId = (await client.metadata([topic], call)).topics.get(topic)!.id;
  const asked = { partition, fetchOffset, partitionMaxBytes: 0, originEpochsFrom: 0 };
  const topics = [{ topic, topicId, partitions: [asked] }];
  const answer = await client.send(Fetch, { maxWaitMs: 0, minBytes: 0, maxBytes: 1, topics }, leader, call);
  const found = answer.responses[0]?.partitions[0];
  const errorCode = found?.errorCode ?? answer.errorCode;
  if (found !== undefined && errorCode === ERROR.NONE) return found.originEpochs;
  throw new Error(`the epochs of ${topic}-${partition}: ${errorName(errorCode)}`);
}
