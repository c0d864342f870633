/**
 * Records of `mm2-offset-syncs.<alias>.internal`: one record of a source partition and the offset that it has in the copy.
 * Key: source topic, partition. Value, without a version: int64 offset at the source, int64 offset in the copy.
 */
import { type KeyValue, type StoredKeyValue, StructReader, StructWriter } from './struct-bytes.ts';

export interface OffsetSync {
  /** As it is called at the source. */
  readonly topic: string;
  readonly partition: number;
  readonly upstreamOffset: number;
  readonly downstreamOffset: number;
}

export function encodeOffsetSync({ topic, partition, upstreamOffset, downstreamOffset }: OffsetSync): KeyValue {
  return {
    key: new StructWriter().text(topic).int32(partition).bytes(),
    value: new StructWriter().int64(upstreamOffset).int64(downstreamOffset).bytes(),
  };
}

/** Undefined: it is no offset sync. */
export function decodeOffsetSync({ key, value }: StoredKeyValue): OffsetSync | undefined {
  if (key === null || value === null) return undefined;
  const ofKey = new StructReader(key);
  const ofValue = new StructReader(value);
  const [topic, partition] = [ofKey.text(), ofKey.int32()];
  const [upstreamOffset, downstreamOffset] = [ofValue.int64(), ofValue.int64()];
  if (!ofKey.isSound || !ofValue.isSound) return undefined;
  return { topic, partition, upstreamOffset, downstreamOffset };
}
