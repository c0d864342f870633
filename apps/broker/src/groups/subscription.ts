/**
 * Reads the topics out of consumers' subscriptions (the metadata of protocol type `consumer`): a version (int16), then a
 * count (int32) and that many strings. Later versions append fields, which are not looked at.
 * Invariant: the bytes come from clients; whatever they are, this neither throws nor reads or allocates beyond them.
 */

const VERSION_BYTES = 2;
const COUNT_BYTES = 4;
const LENGTH_BYTES = 2;

/** All topics of all subscriptions; undefined if one of them cannot be read. */
export function subscribedTopics(subscriptions: readonly Buffer[]): ReadonlySet<string> | undefined {
  const topics = new Set<string>();
  return subscriptions.every((subscription) => readTopics(subscription, topics)) ? topics : undefined;
}

function readTopics(bytes: Buffer, topics: Set<string>): boolean {
  if (bytes.length < VERSION_BYTES + COUNT_BYTES || bytes.readInt16BE(0) < 0) return false;
  const count = bytes.readInt32BE(VERSION_BYTES);
  let at = VERSION_BYTES + COUNT_BYTES;
  if (count < 0) return false;
  for (let i = 0; i < count; i++) {
    if (bytes.length - at < LENGTH_BYTES) return false;
    const length = bytes.readInt16BE(at);
    at += LENGTH_BYTES;
    if (length < 0 || bytes.length - at < length) return false;
    topics.add(bytes.toString('utf8', at, at + length));
    at += length;
  }
  return true;
}
