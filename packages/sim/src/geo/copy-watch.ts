/**
 * A reader of each copy of `short` in its region, all the time: what it was given has come, whatever the origin's
 * deletions have done to the copy since. Started once by the run; read by the checker of silent gaps.
 * Invariant: where something may have come and gone unseen, that is said.
 */
import { type Client, EARLIEST, type Fetcher } from '@meridian/client';
import type { Io } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import type { GeoRegion } from './geo-region.ts';
import type { History } from './history.ts';
import { GEO } from './limits.ts';
import type { Mesh } from './mesh.ts';
import { copyOf } from './plan.ts';
import { recordsOf } from './stored-geo.ts';

export function watchCopies(mesh: Mesh, history: History): void {
  for (const to of mesh.regions) {
    const { io, client } = to.client('copy-watch');
    const fetcher = client.fetcher({ isolation: 'read_committed', maxWaitMs: GEO.watchWaitMs });
    for (const from of mesh.regions)
      for (let partition = 0; from !== to && partition < GEO.partitions; partition++)
        watch({ io, client, fetcher }, history, { from, to, partition });
  }
}

interface Watched {
  readonly from: GeoRegion;
  readonly to: GeoRegion;
  readonly partition: number;
}

interface Reader {
  readonly io: Io;
  readonly client: Client;
  readonly fetcher: Fetcher;
}

function watch({ io, client, fetcher }: Reader, history: History, { from, to, partition }: Watched): void {
  const topic = copyOf(from.name, 'short');
  const seen = history.glimpsesOf(from.name, partition, to.name);
  let heardMs = Number.NEGATIVE_INFINITY;
  const hear = (): void => {
    heardMs = io.clock.monotonic();
  };
  const handle = fetcher.add({
    topic,
    partition,
    offset: 0,
    onBatches: (slice) => {
      hear();
      for (const { value } of recordsOf(slice)) seen.values.add(value);
    },
    onEnd: hear,
    onRetry: () => {
      heardMs = Number.NEGATIVE_INFINITY;
    },
    onError: ({ code, logStartOffset, divergence }) => {
      // A loss of power took what the reader had from a copy in Apache Kafka: other records lie there by now.
      if (divergence !== undefined) return handle.seek(Math.max(0, divergence.endOffset));
      if (code !== ERROR.OFFSET_OUT_OF_RANGE)
        return void io.timers.after(GEO.retryMs, () => handle.seek(handle.position));
      // Whoever waited at the end of the copy was given all of it before its start moved: that takes a way to the origin.
      const hasWaited = io.clock.monotonic() - heardMs < GEO.watchWaitMs + GEO.watchSlackMs;
      if (logStartOffset < 0) askStart(hasWaited);
      else goOn(logStartOffset, hasWaited);
    },
  });
  const goOn = (start: number, hasWaited: boolean): void => {
    if (start > handle.position && !hasWaited) seen.isBlind = true;
    handle.seek(start);
  };
  /** Apache Kafka does not tell the start with the error. */
  const askStart = (hasWaited: boolean): void => {
    const answer = client.listOffsets([{ topic, partition, timestamp: EARLIEST }]).catch(() => []);
    void answer.then(([found]) => {
      if (found?.errorCode === ERROR.NONE) goOn(found.offset, hasWaited);
      else io.timers.after(GEO.retryMs, () => askStart(hasWaited));
    });
  };
}
