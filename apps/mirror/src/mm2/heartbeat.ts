/**
 * Records of the topic `heartbeats`: written at the source once a second, and mirrored like any topic, so that
 * `<alias>.heartbeats` at the target tells that the link is alive, and over which hops.
 * Key: source alias, target alias. Value: int16 version (0), int64 timestamp in ms.
 */
import { type KeyValue, type StoredKeyValue, StructReader, StructWriter } from './struct-bytes.ts';

const VERSION = 0;

export interface Heartbeat {
  readonly sourceAlias: string;
  readonly targetAlias: string;
  readonly timestampMs: number;
}

export function encodeHeartbeat({ sourceAlias, targetAlias, timestampMs }: Heartbeat): KeyValue {
  return {
    key: new StructWriter().text(sourceAlias).text(targetAlias).bytes(),
    value: new StructWriter().int16(VERSION).int64(timestampMs).bytes(),
  };
}

/** Undefined: it is no heartbeat of a version that we know. */
export function decodeHeartbeat({ key, value }: StoredKeyValue): Heartbeat | undefined {
  if (key === null || value === null) return undefined;
  const ofKey = new StructReader(key);
  const ofValue = new StructReader(value);
  const [sourceAlias, targetAlias] = [ofKey.text(), ofKey.text()];
  const [version, timestampMs] = [ofValue.int16(), ofValue.int64()];
  if (!ofKey.isSound || !ofValue.isSound || version !== VERSION) return undefined;
  return { sourceAlias, targetAlias, timestampMs };
}
