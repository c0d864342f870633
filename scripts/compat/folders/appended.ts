/**
 * A transaction that is aborted, written into a partition by our log alone: our brokers serve transactions in the logs of
 * others, but begin none yet. The folder is taken over after a clean stop, and left as after one.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRealIo } from '@meridian/io/real';
import { openLog, openLogDir } from '@meridian/log';
import { writeBatch } from '@meridian/protocol/record-batch';

export const PRODUCER_ID = 4_711;

const SMALL_SEGMENTS = { segmentBytes: 500, indexIntervalBytes: 100 };
/** The key and value of a marker: version 0, abort; version 0, coordinator epoch 0. */
const ABORT = { key: Buffer.from([0, 0, 0, 0]), value: Buffer.from([0, 0, 0, 0, 0, 0]) };

/** `folder`: the log dir that holds the partition. */
export async function appendAborted(
  folder: string,
  topic: string,
  index: number,
  values: readonly string[],
): Promise<void> {
  const io = createRealIo();
  const { brokerEpoch } = JSON.parse(readFileSync(join(folder, '.kafka_cleanshutdown'), 'utf8'));
  assert.ok(brokerEpoch > 0, 'the clean stop tells the broker’s epoch');
  const dir = openLogDir({ io, path: folder });
  const marks = dir.partition(topic, index);
  const log = openLog({
    io,
    folder: join(folder, `${topic}-${index}`),
    config: SMALL_SEGMENTS,
    marks,
    filePool: dir.filePool,
  });
  assert.equal(log.recoveredDamage, undefined);
  const producer = { producerId: PRODUCER_ID, producerEpoch: 0, transactional: true };
  const append = (record: object, extras: object): void => {
    const records = [{ timestamp: Date.now(), value: null, ...record }];
    const batch = writeBatch({ baseOffset: log.endOffset, records, ...producer, ...extras });
    log.append([Buffer.from(batch)], log.epochs.latestEpoch);
  };
  for (const [baseSequence, value] of values.entries()) append({ value: Buffer.from(value) }, { baseSequence });
  append(ABORT, { control: true });
  log.committed(log.endOffset);
  await log.close(true);
  dir.close(true, brokerEpoch);
}
