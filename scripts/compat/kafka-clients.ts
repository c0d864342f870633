/**
 * Kafka's Java libraries as an application uses them: the admin client's calls, the consumer with each assignor, and a
 * Streams application (programs in `kafka-clients/`, run from their sources); and the tools of those who run clusters.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { installKafka, kafkaTool } from '../peers/kafka.ts';
import type { CompatCheck, CompatClient } from './compat-client.ts';

const LIMIT_MS = 60_000;
const TOPIC = 'acme.java-reassigned';

export const kafkaClientsClient: CompatClient = {
  name: 'kafka-clients',
  install: () => void installKafka(),
  checks: [
    program('AdminCalls', 'the admin client gets its answers, and Kafka’s errors for what is off'),
    program('Consumers', 'members share by every assignor, static, by patterns, and seek, pause and wake up'),
    program('WordCount', 'a Streams application counts through its own topics and purges them'),
    tools('kafka-metadata-quorum, kafka-features and kafka-transactions see one calm node', describe),
    tools('kafka-reassign-partitions proposes, executes, verifies and lists what changes nothing', reassign),
  ],
};

/** Runs one of Kafka's tools (class name behind `org.apache.kafka.tools.`) against `us-east`. */
type Tool = (className: string, ...args: string[]) => Promise<string>;

function program(source: string, name: string): CompatCheck {
  const path = resolve(import.meta.dirname, 'kafka-clients', `${source}.java`);
  return {
    name,
    run: async (platform) => void (await kafkaTool(path, [platform.kafka('us-east')], { timeoutMs: LIMIT_MS })),
  };
}

function tools(name: string, run: (tool: Tool) => Promise<void>): CompatCheck {
  return {
    name,
    run: (platform) => {
      const bootstrap = ['--bootstrap-server', platform.kafka('us-east')];
      return run((className, ...args) =>
        kafkaTool(`org.apache.kafka.tools.${className}`, [...bootstrap, ...args], { timeoutMs: LIMIT_MS }),
      );
    },
  };
}

async function describe(tool: Tool): Promise<void> {
  assert.match(await tool('MetadataQuorumCommand', 'describe', '--status'), /LeaderId:\s+1\n/);
  assert.match(await tool('FeatureCommand', 'describe'), /metadata\.version.*FinalizedVersionLevel: 4\.3/);
  assert.match(await tool('TransactionsCommand', 'list'), /^TransactionalId\s/);
}

async function reassign(tool: Tool): Promise<void> {
  await tool('TopicCommand', '--create', '--topic', TOPIC, '--partitions', '2');
  const folder = mkdtempSync(join(tmpdir(), 'meridian-compat-'));
  try {
    const topics = join(folder, 'topics.json');
    const plan = join(folder, 'plan.json');
    writeFileSync(topics, JSON.stringify({ version: 1, topics: [{ topic: TOPIC }] }));
    const command = (...args: string[]) => tool('reassign.ReassignPartitionsCommand', ...args);
    const told = await command('--generate', '--topics-to-move-json-file', topics, '--broker-list', '1');
    writeFileSync(plan, told.slice(told.lastIndexOf('{"version"')));
    assert.match(await command('--execute', '--reassignment-json-file', plan), /Successfully started/);
    assert.match(await command('--verify', '--reassignment-json-file', plan), /-0 is completed/);
    assert.match(await command('--list'), /No partition reassignments found/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
