/**
 * What the broker's process was started with, by Kafka's names of broker configs: as the `configs` of its config file say,
 * and what follows from the rest of the file. Called once, by `createBroker`.
 * Invariant: DescribeConfigs shows a bound under Kafka's name as it is held, wherever it was set.
 */
import { ENDPOINT_NAMES } from './apis/broker-nodes.ts';
import { advertisedAddress, type BrokerConfig } from './config.ts';
import { BROKER_CONFIGS } from './controller/configs/broker-configs.ts';
import { whyInvalid } from './controller/configs/definition.ts';
import { BrokerError } from './errors.ts';
import { type BrokerLimits, DEFAULT_LIMITS } from './limits.ts';
import { checkRoles, rolesOf } from './node-roles.ts';

/** Bounds that are Kafka's configs. */
const LIMIT_CONFIGS: Readonly<Record<string, keyof BrokerLimits>> = {
  'connections.max.idle.ms': 'idleConnectionMs',
  'fetch.max.bytes': 'maxFetchBytes',
  'max.connections': 'maxConnections',
  'max.incremental.fetch.session.cache.slots': 'maxFetchSessions',
  'max.request.partition.size.limit': 'maxDescribedPartitions',
  'socket.request.max.bytes': 'maxFrameBytes',
  'telemetry.max.bytes': 'maxTelemetryBytes',
};

/** Kafka's −1 and below means no bound there, and the broker's own one here. */
const REQUEST_MEMORY = 'queued.max.request.bytes';

/** Follow from the rest of the config file; there they are set. */
const GIVEN_ELSEWHERE: readonly string[] = ['advertised.listeners', 'broker.id', 'listeners', 'log.dirs', 'node.id'];

export interface Settings {
  readonly limits: BrokerLimits;
  /** Values by Kafka's names. */
  readonly staticConfigs: ReadonlyMap<string, string>;
  readonly autoCreateTopics: boolean;
  readonly defaultPartitions: number;
}

/** Throws `BrokerError` `config-invalid`. `overrides` are stronger than the file. */
export function settingsOf(config: BrokerConfig, overrides: Partial<BrokerLimits> = {}): Settings {
  checkRoles(config);
  const given = new Map(Object.entries(config.configs ?? {}));
  for (const [name, value] of given) check(name, value);
  const limits: BrokerLimits = { ...DEFAULT_LIMITS, ...limitsIn(given), ...config.limits, ...overrides };
  const autoCreateTopics = flag(given.get('auto.create.topics.enable')) ?? config.autoCreateTopics ?? true;
  const defaultPartitions = Number(given.get('num.partitions') ?? config.defaultPartitions ?? 1);
  const staticConfigs = new Map([
    ...given,
    ...limitConfigs(limits),
    ['node.id', String(config.nodeId)],
    ['broker.id', String(config.nodeId)],
    ...addresses(config),
    ['log.dirs', [config.dataFolder, ...(config.logDirs ?? [])].join(',')],
    ['process.roles', roleNames(config)],
    ...notDefault('auto.create.topics.enable', String(autoCreateTopics)),
    ...notDefault('num.partitions', String(defaultPartitions)),
  ] as const);
  return { limits, staticConfigs, autoCreateTopics, defaultPartitions };
}

function check(name: string, value: string): void {
  const definition = BROKER_CONFIGS.get(name);
  const why = definition === undefined ? `There is no broker config ${name}` : whyInvalid(definition, value);
  if (why !== null) throw new BrokerError('config-invalid', `configs: ${why}`);
  if (GIVEN_ELSEWHERE.includes(name)) {
    throw new BrokerError('config-invalid', `configs: ${name} follows from other fields of the config file`);
  }
}

function limitsIn(given: ReadonlyMap<string, string>): Partial<BrokerLimits> {
  const entries = Object.entries(LIMIT_CONFIGS).flatMap(([name, limit]) => {
    const value = given.get(name);
    return value === undefined ? [] : [[limit, Number(value)] as const];
  });
  const requestBytes = Number(given.get(REQUEST_MEMORY) ?? -1);
  if (requestBytes > 0) entries.push(['maxRequestBytes', requestBytes]);
  return Object.fromEntries(entries);
}

function limitConfigs(limits: BrokerLimits): (readonly [string, string])[] {
  return Object.entries(LIMIT_CONFIGS).flatMap(([name, limit]) => notDefault(name, String(limits[limit])));
}

/** What is Kafka's default has not been set. */
function notDefault(name: string, value: string): (readonly [string, string])[] {
  return BROKER_CONFIGS.get(name)?.default === value ? [] : [[name, value]];
}

/** Of the clients' listener alone: clients are never told an address of the other. */
function addresses({ client }: BrokerConfig): (readonly [string, string])[] {
  if (client === undefined) return [];
  const text = ({ host, port }: { host: string; port: number }): string =>
    `${ENDPOINT_NAMES.client}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return [
    ['listeners', text(client)],
    ['advertised.listeners', text(advertisedAddress(client, client.port))],
  ];
}

function roleNames(config: BrokerConfig): string {
  const { isBroker, isController } = rolesOf(config);
  return [...(isBroker ? ['broker'] : []), ...(isController ? ['controller'] : [])].join(',');
}

function flag(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : text.trim().toLowerCase() === 'true';
}
