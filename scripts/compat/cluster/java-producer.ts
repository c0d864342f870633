/**
 * Java's own producer for `compat -- rolling`: `VerifiableProducer`, idempotent as it comes, writes numbers at a steady rate and
 * says of each what became of it.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kafkaTool } from '../../peers/kafka.ts';

const LIMIT_MS = 300_000;
/** Java's default, which the tool turns off. */
const RETRIES = 'retries=2147483647\n';

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
  const folder = mkdtempSync(join(tmpdir(), 'meridian-java-producer-'));
  const config = join(folder, 'producer.properties');
  writeFileSync(config, RETRIES);
  const load = `--topic ${topic} --max-messages ${count} --throughput ${perSecond} --acks -1`;
  const args = `--bootstrap-server ${bootstrap} ${load} --command-config ${config}`.split(' ');
  const said = await kafkaTool('org.apache.kafka.tools.VerifiableProducer', args, { timeoutMs: LIMIT_MS });
  rmSync(folder, { recursive: true, force: true });
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
