/**
 * Java's own producer for `compat -- rolling`: `VerifiableProducer`, idempotent as it comes, writes numbers at a steady rate and
 * says of each what became of it.
 */
import assert from 'node:assert/strict';
import { kafkaTool } from '../../peers/kafka.ts';

const LIMIT_MS = 300_000;

interface Event {
  readonly name: string;
  readonly value?: string;
  readonly partition?: number;
  readonly offset?: number;
}

/** Resolves with what was acknowledged, by `<partition>@<offset>`; rejects if a call failed. */
export async function verifiableProducer(
  bootstrap: string,
  topic: string,
  { count, perSecond }: { count: number; perSecond: number },
): Promise<Map<string, string>> {
  const args = `--bootstrap-server ${bootstrap} --topic ${topic} --max-messages ${count} --throughput ${perSecond} --acks -1`;
  const said = await kafkaTool('org.apache.kafka.tools.VerifiableProducer', args.split(' '), { timeoutMs: LIMIT_MS });
  const events = said
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Event);
  const failed = events.filter(({ name }) => name === 'producer_send_error');
  assert.deepEqual(failed.slice(0, 3), []);
  const acknowledged = events.filter(({ name }) => name === 'producer_send_success');
  assert.equal(acknowledged.length, count);
  return new Map(acknowledged.map(({ value, partition, offset }) => [`${partition}@${offset}`, value ?? '']));
}
