/**
 * Turns an answer into what both brokers must agree on: ids by the order in which they were first seen, batches as
 * what they say, lists in an order of their own; addresses, texts for people and the machine's sizes left out.
 */
import { ZERO_UUID } from '@meridian/protocol';
import { iterateBatches } from '@meridian/protocol/record-batch';

/** Fields that say where a broker runs, when, or in words. */
const LEFT_OUT = new Set([
  'throttleTimeMs',
  'errorMessage',
  'batchIndexErrorMessage',
  'clusterId',
  'host',
  'port',
  'logDir',
  'totalBytes',
  'usableBytes',
  'lastTimestamp',
  'clientHost',
  'nodeEndpoints',
  'originEpochs',
]);
/** What lists of objects are sorted by, as far as it is there. */
const SORTED_BY = [
  'name',
  'topic',
  'topicId',
  'groupId',
  'resourceName',
  'partitionIndex',
  'partition',
  'key',
  'brokerId',
  'memberId',
  'producerId',
];

/** Ids of one side, each under the number of its first appearance. Kept for a whole script. */
export class IdNames {
  readonly #names = new Map<string, string>();

  nameOf(kind: string, id: string | number): string {
    const key = `${kind} ${id}`;
    const known =
      this.#names.get(key) ?? `${kind} #${[...this.#names.keys()].filter((k) => k.startsWith(kind)).length}`;
    this.#names.set(key, known);
    return known;
  }
}

export function normalise(value: unknown, ids: IdNames, field = ''): unknown {
  if (Array.isArray(value)) {
    if (field === 'records') return batches(Buffer.concat(value as Buffer[]), ids);
    return sorted(value.map((each) => normalise(each, ids, field)));
  }
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([name]) => !LEFT_OUT.has(name));
    return Object.fromEntries(entries.map(([name, each]) => [name, normalise(each, ids, name)]));
  }
  return scalar(value, ids, field);
}

/** Whether the broker gave the id, not the script. */
const isGiven = (producerId: number): boolean => producerId >= 0 && ![4_000_000, 4_000_001].includes(producerId);

function scalar(value: unknown, ids: IdNames, field: string): unknown {
  if (field === 'topicId' && value !== ZERO_UUID) return ids.nameOf('topic', value as string);
  if (field === 'producerId' && isGiven(value as number)) return ids.nameOf('producer', value as number);
  if (['memberId', 'leader'].includes(field) && value !== '') return ids.nameOf('member', value as string);
  if (field === 'documentation' && typeof value === 'string') return 'a text';
  if (field === 'logAppendTimeMs' && (value as number) >= 0) return 'a time';
  if (field === 'sessionId' && value !== 0) return ids.nameOf('session', value as number);
  return value;
}

/** What whole batches say. Kafka may end an answer in the middle of a batch; clients drop that piece, and so do we. */
function batches(bytes: Buffer, ids: IdNames): unknown[] {
  const found: unknown[] = [];
  try {
    for (const { header, bytes: batch } of iterateBatches(wholeBatches(bytes))) {
      const { baseOffset, lastOffset, attributes, producerId, producerEpoch, baseSequence, recordCount } = header;
      const { baseTimestamp, maxTimestamp, hasLogAppendTime, partitionLeaderEpoch } = header;
      found.push({
        offsets: `${baseOffset}..${lastOffset}`,
        attributes,
        producer: isGiven(producerId) ? ids.nameOf('producer', producerId) : producerId,
        producerEpoch,
        baseSequence,
        recordCount,
        partitionLeaderEpoch,
        baseTimestamp,
        maxTimestamp: hasLogAppendTime ? 'a time' : maxTimestamp,
        payload: Buffer.from(batch.subarray(61)).toString('base64').slice(0, 200),
      });
    }
  } catch (error) {
    found.push(String(error));
  }
  return found;
}

function wholeBatches(bytes: Buffer): Buffer {
  let at = 0;
  while (at + 12 <= bytes.length && at + 12 + bytes.readInt32BE(at + 8) <= bytes.length) {
    at += 12 + bytes.readInt32BE(at + 8);
  }
  return bytes.subarray(0, at);
}

function sorted(list: unknown[]): unknown[] {
  const [first] = list;
  if (typeof first === 'number' || typeof first === 'string') return list;
  if (typeof first !== 'object' || first === null) return list;
  const by = SORTED_BY.filter((name) => name in first);
  if (by.length === 0) return list;
  const keyOf = (each: unknown) =>
    [...by.map((name) => (each as Record<string, unknown>)[name]), JSON.stringify(each)].join('\n');
  return list.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}
