/**
 * Fuzzing of consumers' subscriptions: `npm run fuzz -- subscription`. Nothing at all may be thrown, and what is read can
 * be no more than the bytes hold: each topic takes its length besides its text.
 */
import { subscribedTopics } from './subscription.ts';

/** A byte that is no UTF-8 becomes three. */
const MAX_TEXT_GROWTH = 3;
const LENGTH_BYTES = 2;

export function corpus(): Buffer[] {
  const texts = [[], ['orders'], ['orders', 'grüße', ''], Array.from({ length: 100 }, (_, at) => `topic-${at}`)];
  return texts.map((topics, version) => {
    const parts = topics.map((topic) => {
      const text = Buffer.from(topic);
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeInt16BE(text.length);
      return Buffer.concat([length, text]);
    });
    const head = Buffer.alloc(6);
    head.writeInt16BE(version);
    head.writeInt32BE(topics.length, 2);
    return Buffer.concat([head, ...parts, Buffer.from('ffffffff', 'hex')]);
  });
}

export function fuzz(input: Buffer): void {
  const topics = subscribedTopics([input]);
  let bytes = 0;
  for (const topic of topics ?? []) bytes += LENGTH_BYTES + Buffer.byteLength(topic);
  if (bytes > input.length * MAX_TEXT_GROWTH) throw new Error(`${bytes} bytes of topics out of ${input.length}`);
}
