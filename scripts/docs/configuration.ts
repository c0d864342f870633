/**
 * docs/configuration.md as text: the tables of topic, broker and client-metrics configs, and the fields of the broker's
 * config file. `npm run docs` writes it; the test beside this file fails when the document and the tables disagree.
 */
import { BROKER_CONFIG_SCHEMA } from '../../apps/broker/src/config.ts';
import { BROKER_CONFIGS } from '../../apps/broker/src/controller/configs/broker-configs.ts';
import { CLIENT_METRICS_CONFIGS } from '../../apps/broker/src/controller/configs/client-metrics-configs.ts';
import type { ConfigDefinition, ConfigTable } from '../../apps/broker/src/controller/configs/definition.ts';
import { GROUP_CONFIGS } from '../../apps/broker/src/controller/configs/group-configs.ts';
import { TOPIC_CONFIGS } from '../../apps/broker/src/controller/configs/topic-configs.ts';

const INTRODUCTION = `# Configuration of brokers and topics

Names, types, ranges and defaults are Apache Kafka's; what begins with \`meridian.\` is ours. This page is written from
the tables in the source by \`npm run docs\`.

A topic's value is its own, else that of the broker config named beside it: set for the one broker, for all brokers
(\`--entity-default\`), or in the broker's config file; else the default. A change takes effect at once.

    kafka-configs --bootstrap-server HOST:9092 --alter --entity-type topics --entity-name orders --add-config retention.ms=3600000
    kafka-configs --bootstrap-server HOST:9092 --alter --entity-type brokers --entity-default --add-config log.retention.ms=3600000
`;

const TOPICS = `## Topics

Those that the mirror sets stand on copies, read-only.
`;

const BROKERS = `## Brokers

*Dynamic* ones can be changed while the broker runs, all others stand in \`configs\` of its config file. Of those that say
the same in several units, the first that has a value counts. Other configs of Apache Kafka are refused.
`;

const CLIENT_METRICS = `## Client metrics

For a subscription (\`--entity-type client-metrics\`): which metrics clients are asked to push.
`;

const GROUPS = `## Groups

For a group (\`--entity-type groups\`), which need not exist. They are for groups of the newer protocols, which are not served yet.
`;

const FILE = `## The broker's config file

A broker alone is started by \`npx node apps/broker/src/main.ts --config FILE\` (npx finds the Node that setup installed); the file is
JSON, for example

    {"region": "us-east", "regionId": 1, "nodeId": 1, "dataFolder": "/var/lib/meridian", "regions": ["us-east"],
     "client": {"host": "127.0.0.1", "port": 9092},
     "internal": {"host": "127.0.0.1", "port": 9093, "secret": "at least sixteen characters"}}

Nodes of one cluster share \`clusterId\`, \`voters\` and the secret; ids are made by \`kafka-storage random-uuid\`. A node is broker and
controller unless \`roles\` says otherwise; one that is a controller alone has no \`client\`. What each of three has besides, here the first:

    "clusterId": "MkU3OEVBNTcwNTJENDM2Qg", "roles": ["broker", "controller"],
    "voters": [{"id": 1, "host": "10.0.0.1", "port": 9093, "directoryId": "JEXY6aqzQY-32P5TStzaFg"},
               {"id": 2, "host": "10.0.0.2", "port": 9093, "directoryId": "MvDxzVmcRsaTz33bUuRU6A"},
               {"id": 3, "host": "10.0.0.3", "port": 9093, "directoryId": "07R5amHmR32VDA6jHkGbTA"}],
    "configs": {"default.replication.factor": "3", "min.insync.replicas": "2", "offsets.topic.replication.factor": "3"}

The voters are those with which the cluster begins, by their internal listeners; afterwards \`kafka-metadata-quorum\` adds and removes
them. A controller that is not among them observes until it is added. Without directory ids the voters are for ever those
of the file, as in Kafka's older way.

`;

export function configurationDocument(): string {
  return [
    INTRODUCTION,
    TOPICS,
    tableOf(TOPIC_CONFIGS, [
      'broker config',
      ({ synonym, internal }) => (internal ? 'set by the mirror' : code(synonym)),
    ]),
    BROKERS,
    tableOf(BROKER_CONFIGS, ['dynamic', ({ dynamic }) => (dynamic ? 'yes' : '')]),
    CLIENT_METRICS,
    tableOf(CLIENT_METRICS_CONFIGS),
    GROUPS,
    tableOf(GROUP_CONFIGS, ['broker config', ({ synonym }) => code(synonym)]),
    FILE,
    fileFields(),
  ].join('\n');
}

type Column = readonly [title: string, cell: (config: ConfigDefinition) => string];

function tableOf(table: ConfigTable, more?: Column): string {
  const columns: Column[] = [
    ['name', ({ name }) => `\`${name}\``],
    ['type', ({ type }) => type],
    ['default', ({ default: value }) => (value === null ? '' : value === '' ? 'empty' : `\`${value}\``)],
    ['allowed', allowed],
    ...(more ? [more] : []),
    ['meaning', ({ documentation }) => documentation.replaceAll('|', '\\|')],
  ];
  const rows = [...table.values()].map((config) => columns.map(([, cell]) => cell(config)));
  return lines(
    columns.map(([title]) => title),
    rows,
  );
}

function allowed({ min, max, or, oneOf, type }: ConfigDefinition): string {
  if (oneOf !== undefined) return oneOf.map(code).join(' ');
  if (type === 'boolean') return '`true` `false`';
  const range = min !== undefined && max !== undefined ? `${min} to ${max}` : min !== undefined ? `≥ ${min}` : '';
  return or === undefined ? range : `${range} or ${or}`;
}

interface Field {
  readonly type: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Field>>;
  readonly required?: readonly string[];
  readonly items?: unknown;
}

function fileFields(): string {
  return lines(['field', 'type', 'needed', 'default', 'meaning'], rowsOf('', BROKER_CONFIG_SCHEMA));
}

function rowsOf(prefix: string, { properties = {}, required = [] }: Field): string[][] {
  return Object.entries(properties).flatMap(([key, field]) => {
    const value = field.default === undefined ? '' : `\`${JSON.stringify(field.default)}\``;
    const needed = required.includes(key) ? 'yes' : '';
    const own = [`\`${prefix}${key}\``, field.type, needed, value, field.description ?? ''];
    const ofItems = field.type === 'array' ? rowsOf(`${prefix}${key}[].`, field.items as Field) : [];
    return [own, ...rowsOf(`${prefix}${key}.`, field), ...ofItems];
  });
}

function lines(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return `${[line(titles), `|${'---|'.repeat(titles.length)}`, ...rows.map(line)].join('\n')}\n`;
}

function code(text: string | undefined): string {
  return text === undefined ? '' : `\`${text}\``;
}
