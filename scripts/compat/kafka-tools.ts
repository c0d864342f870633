/**
 * Apache Kafka's own command-line tools, as its scripts start them: topics, configs, offsets, records, log dirs,
 * console clients, the performance and the verifiable ones, consumer groups.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalPlatform } from '../../apps/meridian/src/testing/local-platform.ts';
import { installKafka, kafkaTool } from '../peers/kafka.ts';
import type { CompatCheck, CompatClient } from './compat-client.ts';

const TOOLS = 'org.apache.kafka.tools';

/** Runs a tool of Kafka's against `us-east`: class name behind `org.apache.kafka.tools.`, arguments split at blanks. */
type Tool = (className: string, args: string, input?: string) => Promise<string>;

export const kafkaToolsClient: CompatClient = {
  name: 'kafka-tools',
  install: () => void installKafka(),
  checks: [
    check('kafka-broker-api-versions is told every version', apiVersions),
    check('kafka-topics creates, describes, alters, lists and deletes', topics),
    check('kafka-configs alters and describes topics, brokers and groups', configs),
    check('kafka-console-producer writes what kafka-console-consumer reads', consoleClients),
    check('kafka-get-offsets and kafka-delete-records agree', offsets),
    check('kafka-log-dirs shows the sizes of the partitions', logDirs),
    check('kafka-producer-perf-test and kafka-consumer-perf-test', performance),
    check('EndToEndLatency gets every record back', endToEnd),
    check('what VerifiableProducer had acknowledged, VerifiableConsumer reads', verifiable),
    check('kafka-consumer-groups lists, describes, resets and deletes', groups),
  ],
};

function check(name: string, run: (tool: Tool, bootstrap: string) => Promise<void>): CompatCheck {
  return {
    name,
    run: (platform: LocalPlatform) => {
      const bootstrap = platform.kafka('us-east');
      const tool: Tool = (className, args, input) => {
        const name = className.startsWith('kafka.') ? className : `${TOOLS}.${className}`;
        const all = ['--bootstrap-server', bootstrap, ...args.split(' ').filter((part) => part !== '')];
        return kafkaTool(name, all, { timeoutMs: 60_000, ...(input === undefined ? {} : { input }) });
      };
      return run(tool, bootstrap);
    },
  };
}

async function apiVersions(tool: Tool): Promise<void> {
  const told = await tool('BrokerApiVersionsCommand', '');
  assert.match(told, /Produce\(0\): 0 to 13/);
  assert.match(told, /Fetch\(1\): 4 to 18/);
}

async function topics(tool: Tool): Promise<void> {
  await tool('TopicCommand', '--create --topic acme.kt-made --partitions 3 --config retention.ms=3600000');
  await assert.rejects(tool('TopicCommand', '--create --topic acme.kt-made'), /already exists/);
  await tool('TopicCommand', '--alter --topic acme.kt-made --partitions 5');
  const described = await tool('TopicCommand', '--describe --topic acme.kt-made');
  assert.match(described, /PartitionCount: 5\s+ReplicationFactor: 1/);
  assert.match(described, /retention\.ms=3600000/);
  assert.match(described, /Partition: 4\s+Leader: 1\s+Replicas: 1\s+Isr: 1/);
  assert.ok((await tool('TopicCommand', '--list')).split('\n').includes('acme.kt-made'));
  await tool('TopicCommand', '--delete --topic acme.kt-made');
  assert.ok(!(await tool('TopicCommand', '--list')).split('\n').includes('acme.kt-made'));
}

async function configs(tool: Tool): Promise<void> {
  const command = (args: string) => tool('kafka.admin.ConfigCommand', args);
  await tool('TopicCommand', '--create --topic acme.kt-configs --partitions 1');
  const topic = '--entity-type topics --entity-name acme.kt-configs';
  await command(`--alter ${topic} --add-config retention.ms=7200000,cleanup.policy=[compact,delete]`);
  const described = await command(`--describe ${topic}`);
  assert.match(
    described,
    /retention\.ms=7200000 sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:retention\.ms=7200000/,
  );
  assert.match(described, /cleanup\.policy=compact,delete/);
  await command(`--alter ${topic} --delete-config retention.ms`);
  assert.doesNotMatch(await command(`--describe ${topic}`), /retention\.ms=7200000/);
  await assert.rejects(command(`--alter ${topic} --add-config retention.ms=soon`), /Invalid value soon/);
  await assert.rejects(command(`--alter ${topic} --add-config no.such.config=1`), /Unknown topic config name/);
  assert.match(await command(`--describe --all ${topic}`), /segment\.bytes=1073741824/);
  await command('--alter --entity-type brokers --entity-default --add-config log.retention.ms=86400000');
  assert.match(await command('--describe --entity-type brokers --entity-default'), /log\.retention\.ms=86400000/);
  assert.match(await command(`--describe --all ${topic}`), /retention\.ms=86400000/);
  await command('--alter --entity-type brokers --entity-default --delete-config log.retention.ms');
  const group = '--entity-type groups --entity-name acme.kt-group';
  await command(`--alter ${group} --add-config consumer.session.timeout.ms=50000`);
  assert.match(
    await command(`--describe ${group}`),
    /session\.timeout\.ms=50000 sensitive=false synonyms=\{DYNAMIC_GROUP_CONFIG:consumer\.session\.timeout\.ms=50000, DEFAULT_CONFIG:group\.consumer/,
  );
  await assert.rejects(
    command(`--alter ${group} --add-config consumer.session.timeout.ms=1`),
    /greater than or equal to/,
  );
  await command(`--alter ${group} --delete-config consumer.session.timeout.ms`);
}

async function consoleClients(tool: Tool): Promise<void> {
  await tool('TopicCommand', '--create --topic acme.kt-console --partitions 1');
  const lines = Array.from({ length: 500 }, (_, n) => `k${n % 7}:line ${n}`);
  await tool(
    'ConsoleProducer',
    '--topic acme.kt-console --reader-property parse.key=true --reader-property key.separator=: --compression-codec lz4',
    `${lines.join('\n')}\n`,
  );
  const place = '--topic acme.kt-console --partition 0 --offset earliest --max-messages 500';
  const shown = await tool(
    'consumer.ConsoleConsumer',
    `${place} --formatter-property print.key=true --formatter-property key.separator=:`,
  );
  assert.deepEqual(shown.trimEnd().split('\n'), lines);
}

async function offsets(tool: Tool): Promise<void> {
  await tool('TopicCommand', '--create --topic acme.kt-offsets --partitions 1');
  await tool('ConsoleProducer', '--topic acme.kt-offsets', 'a\n'.repeat(100));
  const at = async (time: string) => (await tool('GetOffsetShell', `--topic acme.kt-offsets --time ${time}`)).trim();
  assert.equal(await at('latest'), 'acme.kt-offsets:0:100');
  const folder = mkdtempSync(join(tmpdir(), 'meridian-offsets-'));
  const file = join(folder, 'records.json');
  const partitions = [{ topic: 'acme.kt-offsets', partition: 0, offset: 37 }];
  writeFileSync(file, JSON.stringify({ partitions, version: 1 }));
  assert.match(await tool('DeleteRecordsCommand', `--offset-json-file ${file}`), /low_watermark: 37/);
  rmSync(folder, { recursive: true });
  assert.equal(await at('earliest'), 'acme.kt-offsets:0:37');
  assert.match(await at('max-timestamp'), /^acme\.kt-offsets:0:\d+$/);
}

async function logDirs(tool: Tool): Promise<void> {
  await tool('TopicCommand', '--create --topic acme.kt-sizes --partitions 1');
  await tool('ConsoleProducer', '--topic acme.kt-sizes', `${'x'.repeat(1000)}\n`.repeat(50));
  const shown = await tool('LogDirsCommand', '--describe --topic-list acme.kt-sizes');
  const json = JSON.parse(shown.split('\n').find((line) => line.startsWith('{')) ?? '');
  const [partition] = json.brokers[0].logDirs.flatMap((dir: { partitions: unknown[] }) => dir.partitions);
  assert.equal(partition.partition, 'acme.kt-sizes-0');
  assert.ok(partition.size > 50_000 && partition.size < 80_000, `${partition.size} bytes`);
}

async function performance(tool: Tool): Promise<void> {
  await tool('TopicCommand', '--create --topic acme.kt-perf --partitions 3');
  const produced = await tool(
    'ProducerPerformance',
    '--topic acme.kt-perf --num-records 100000 --record-size 100 --throughput -1 --command-property acks=all',
  );
  assert.match(produced, /100000 records sent/);
  const consumed = await tool('ConsumerPerformance', '--topic acme.kt-perf --num-records 100000 --timeout 20000');
  const read = Number(consumed.trimEnd().split('\n').at(-1)?.split(', ')[4]);
  assert.ok(read >= 100_000, consumed);
}

async function endToEnd(tool: Tool): Promise<void> {
  await tool('TopicCommand', '--create --topic acme.kt-latency --partitions 1');
  const args = '--topic acme.kt-latency --num-records 500 --producer-acks all --record-size 100';
  assert.match(await tool('EndToEndLatency', args), /Percentiles: 50th = \d+, 99th = \d+, 99\.9th = \d+/);
}

/** Both write one JSON object a line; a record's place and value have to be in both, and nothing may be there twice. */
async function verifiable(tool: Tool): Promise<void> {
  const count = 5_000;
  await tool('TopicCommand', '--create --topic acme.kt-verifiable --partitions 4');
  const written = await tool('VerifiableProducer', `--topic acme.kt-verifiable --max-messages ${count} --acks -1`);
  const acked = events(written, 'producer_send_success').map(placed);
  assert.equal(acked.length, count);
  const group = '--group-id kt-verifiable --reset-policy earliest --verbose';
  const read = await tool('VerifiableConsumer', `--topic acme.kt-verifiable --max-messages ${count} ${group}`);
  assert.deepEqual(events(read, 'record_data').map(placed).sort(), acked.sort());
  assert.ok(events(read, 'offsets_committed').every((event) => event.success === true));
}

function events(output: string, name: string): Record<string, unknown>[] {
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line)).filter((event) => event.name === name);
}

const placed = ({ partition, offset, value }: Record<string, unknown>): string => `${partition}/${offset}: ${value}`;

async function groups(tool: Tool): Promise<void> {
  const command = (args: string) => tool('consumer.group.ConsumerGroupCommand', args);
  await tool('TopicCommand', '--create --topic acme.kt-groups --partitions 2');
  await tool('ConsoleProducer', '--topic acme.kt-groups', 'a\n'.repeat(60));
  const reader = '--topic acme.kt-groups --group kt-groups --from-beginning --max-messages 60';
  assert.equal((await tool('consumer.ConsoleConsumer', reader)).trimEnd().split('\n').length, 60);
  assert.ok((await command('--list')).split('\n').includes('kt-groups'));
  const lags = (shown: string) => [...shown.matchAll(/^kt-groups\s+acme\.kt-groups\s+\d+\s+\d+\s+\d+\s+(\d+)/gm)];
  const lag = (shown: string) => lags(shown).reduce((sum, match) => sum + Number(match[1]), 0);
  assert.equal(lag(await command('--describe --group kt-groups')), 0);
  assert.match(await command('--describe --group kt-groups --state'), /kt-groups\s.*Empty\s+0/);
  await command('--group kt-groups --reset-offsets --to-earliest --topic acme.kt-groups --execute');
  assert.equal(lag(await command('--describe --group kt-groups')), 60);
  await command('--group kt-groups --delete-offsets --topic acme.kt-groups');
  await command('--group kt-groups --delete');
  assert.ok(!(await command('--list')).split('\n').includes('kt-groups'));
}
