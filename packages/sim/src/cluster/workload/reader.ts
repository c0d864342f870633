/**
 * A consumer that reads every promised partition from its start and never loses its place: each batch has a sound CRC,
 * offsets only grow, and what one reader was given at an offset every other is given, too.
 */
import type { Client, FetchedSlice } from '@meridian/client';
import type { History } from '../history.ts';
import type { ClusterPlan } from '../plan.ts';
import { batchesIn, isSound, recordsOf } from '../stored-replica.ts';

export interface ReaderOptions {
  readonly client: Client;
  readonly name: string;
  readonly plan: ClusterPlan;
  readonly history: History;
}

export interface Reader {
  /** Offset behind the last batch that it was given. */
  positionOf(topic: string, index: number): number;
}

export function startReader(options: ReaderOptions): Reader {
  const { client, plan } = options;
  const positions = new Map<string, number>();
  const fetcher = client.fetcher({ partitionMaxBytes: plan.fetchBytes });
  for (const { name, partitions, isPromised } of plan.topics) {
    if (!isPromised) continue;
    for (let index = 0; index < partitions; index++) readPartition(options, fetcher, name, index, positions);
  }
  return { positionOf: (topic, index) => positions.get(`${topic}-${index}`) ?? 0 };
}

function readPartition(
  { history, name }: ReaderOptions,
  fetcher: ReturnType<Client['fetcher']>,
  topic: string,
  partition: number,
  positions: Map<string, number>,
): void {
  const key = `${topic}-${partition}`;
  const complain = (what: string): void => void history.complaints.push(`reader ${name}, ${key}: ${what}`);
  const handle = fetcher.add({
    topic,
    partition,
    offset: 0,
    onBatches: (slice) => {
      take(slice, positions.get(key) ?? 0, history.of(topic, partition).read, complain);
      positions.set(key, slice.nextOffset);
    },
    onError: ({ code, detail }) => {
      complain(`${code} ${detail}`);
      handle.seek(positions.get(key) ?? 0);
    },
  });
}

function take(slice: FetchedSlice, from: number, read: Map<number, string>, complain: (what: string) => void): void {
  for (const buffer of slice.buffers)
    for (const batch of batchesIn(buffer)) {
      if (!isSound(batch)) {
        complain(`the batch at ${batch.offset} has a wrong CRC`);
        continue;
      }
      for (const { offset, value } of recordsOf([batch])) {
        if (offset < from) continue;
        const known = read.get(offset);
        if (known === undefined) read.set(offset, value);
        else if (known !== value) complain(`${value} at ${offset}, where another was given ${known}`);
      }
    }
}
