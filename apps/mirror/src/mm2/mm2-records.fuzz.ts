/**
 * Fuzzing of MirrorMaker 2's records as they are read: `npm run fuzz -- mm2-records`. The first two bytes are the length of
 * the record's key, the rest is its value. What is read
 * reads the same when it has been written back; nothing may be thrown.
 */
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { decodeHeartbeat, encodeHeartbeat } from './heartbeat.ts';
import { decodeOffsetSync, encodeOffsetSync } from './offset-sync.ts';

const LENGTH_BYTES = 2;

export function corpus(): Buffer[] {
  const place = { topic: 'orders', partition: 5, upstreamOffset: 1_000, downstreamOffset: 970 };
  const records = [
    encodeHeartbeat({ sourceAlias: 'us-east', targetAlias: 'eu-west', timestampMs: 1_767_225_600_000 }),
    encodeCheckpoint({ ...place, group: 'billing', metadata: 'as of noon' }),
    encodeOffsetSync(place),
  ];
  return records.map(({ key, value }) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(key.length);
    return Buffer.concat([length, key, value]);
  });
}

export function fuzz(input: Buffer): void {
  const keyEnd = LENGTH_BYTES + (input.length < LENGTH_BYTES ? 0 : input.readUInt16BE(0));
  const stored = { key: input.subarray(LENGTH_BYTES, keyEnd), value: input.subarray(keyEnd) };
  const [heartbeat, checkpoint, sync] = [decodeHeartbeat(stored), decodeCheckpoint(stored), decodeOffsetSync(stored)];
  checkSame(heartbeat, (read) => decodeHeartbeat(encodeHeartbeat(read)));
  checkSame(checkpoint, (read) => decodeCheckpoint(encodeCheckpoint(read)));
  checkSame(sync, (read) => decodeOffsetSync(encodeOffsetSync(read)));
}

/** Texts that were no UTF-8 grow when they are written, beyond what fits: they are left out. */
function checkSame<T>(read: T | undefined, throughBytes: (read: T) => T | undefined): void {
  if (read === undefined || JSON.stringify(read).includes('\ufffd')) return;
  if (JSON.stringify(throughBytes(read)) !== JSON.stringify(read)) throw new Error('it is written back otherwise');
}
