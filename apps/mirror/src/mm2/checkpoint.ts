/**
 * Records of `<alias>.checkpoints.internal`, at the target: where a group of the source stands in the copy. Read by
 * `RemoteClusterUtils.translateOffsets` of Apache Kafka's `connect-mirror-client`.
 * Key: group, copy's topic, partition. Value: int16 version (0), int64 offset at the source, int64 offset in the copy,
 * the commit's metadata.
 */
import { type KeyValue, type StoredKeyValue, StructReader, StructWriter } from './struct-bytes.ts';

const VERSION = 0;

export interface Checkpoint {
  readonly group: string;
  /** As it is called at the target. */
  readonly topic: string;
  readonly partition: number;
  readonly upstreamOffset: number;
  readonly downstreamOffset: number;
  readonly metadata: string;
}

export function encodeCheckpoint(checkpoint: Checkpoint): KeyValue {
  const { group, topic, partition, upstreamOffset, downstreamOffset, metadata } = checkpoint;
  return {
    key: new StructWriter().text(group).text(topic).int32(partition).bytes(),
    value: new StructWriter().int16(VERSION).int64(upstreamOffset).int64(downstreamOffset).text(metadata).bytes(),
  };
}

/** Undefined: it is no checkpoint of a version that we know. */
export function decodeCheckpoint({ key, value }: StoredKeyValue): Checkpoint | undefined {
  if (key === null || value === null) return undefined;
  const ofKey = new StructReader(key);
  const ofValue = new StructReader(value);
  const [group, topic, partition] = [ofKey.text(), ofKey.text(), ofKey.int32()];
  const [version, upstreamOffset, downstreamOffset] = [ofValue.int16(), ofValue.int64(), ofValue.int64()];
  const metadata = ofValue.text();
  if (!ofKey.isSound || !ofValue.isSound || version !== VERSION) return undefined;
  return { group, topic, partition, upstreamOffset, downstreamOffset, metadata };
}
