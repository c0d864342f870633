/**
 * One broker, put together: data folder and controller, partitions, handlers, two listeners. Called by `main.ts` and by
 * the simulator.
 *
 *   start   lock and replay → open partitions → listen → register (leader epochs move) → serve
 *   stop    listeners drain → logs close cleanly → metadata log closes, the folder is unlocked
 *
 * Invariant: nothing is served before the registration is durable, because a restart may have lost an unsynced tail.
 */
import type { Io, Logger } from '@meridian/io';
import { createTailBudget } from '@meridian/log';
import { createScramServer, scramCredential } from '@meridian/protocol';
import type { LogDirView } from './apis/broker-facts.ts';
import { ENDPOINT_NAMES } from './apis/broker-nodes.ts';
import type { AnyHandler, ListenerName } from './apis/handler.ts';
import { createHandlers } from './apis/handlers.ts';
import { advertisedAddress, type BrokerConfig, listenerConfig } from './config.ts';
import { brokerConfigValue } from './controller/configs/effective.ts';
import type { BrokerEndpoint } from './controller/image.ts';
import { type ControllerConfig, type OpenController, openController } from './controller/open-controller.ts';
import { BrokerError } from './errors.ts';
import { GroupCoordinator } from './groups/group-coordinator.ts';
import { groupSettings } from './groups/group-settings.ts';
import type { BrokerLimits } from './limits.ts';
import { HostedPartitions } from './partition/hosted-partitions.ts';
import { type HostedDir, LogDirs } from './partition/log-dirs/log-dirs.ts';
import type { ControllerChannel } from './peers/controller-channel.ts';
import { NodeControllerChannel } from './peers/node-controller-channel.ts';
import { createPeers } from './peers/node-peers.ts';
import { type Authentication, createScramAuthentication, OPEN } from './server/authentication.ts';
import { createDispatch } from './server/dispatch.ts';
import { type BrokerListener, openListener } from './server/listener.ts';
import { RequestMemory } from './server/request-memory.ts';
import { Turn } from './server/turn.ts';
import { type Settings, settingsOf } from './static-configs.ts';
import { ClientInstances } from './telemetry/client-instances.ts';

export type { BrokerConfig } from './config.ts';
export type { BrokerLimits } from './limits.ts';

export interface Broker {
  readonly clientPort: number;
  readonly internalPort: number;
  /** Answers what is in flight, writes everything out and closes; `onProgress` is called as long as it moves. */
  stop(onProgress?: () => void): Promise<void>;
}

export interface CreateBrokerOptions {
  readonly io: Io;
  readonly config: BrokerConfig;
  readonly log: Logger;
  readonly limits?: Partial<BrokerLimits>;
  /** The metadata log or every log dir has failed: the broker can no longer keep its word and should be started anew. */
  readonly onFatal?: (error: Error) => void;
}

/** Who everybody on the internal listener is. */
const INTERNAL_USER = 'internal';
const PLAINTEXT = 0;
const SASL_PLAINTEXT = 2;
const NONCE_BYTES = 24;
const SALT_BYTES = 16;

/** Rejects with a coded error: `IoError` (port in use, folder locked) or `BrokerError` (folder newer, of another node). */
export async function createBroker(options: CreateBrokerOptions): Promise<Broker> {
  const { io, config, log } = options;
  const settings = settingsOf(config, options.limits);
  const { limits } = settings;
  const controller = await openController({ io, config: controllerConfig(config, settings), log });
  const logDirs = await openLogDirs(controller, options, limits);
  const fatal = (error: Error): void => {
    log.error('the broker gives up', { error });
    options.onFatal?.(error);
  };
  controller.onFailure = fatal;
  const parts: Parts = { io, config, log, limits, settings, controller, logDirs, fatal };
  const listeners: BrokerListener[] = [];
  const partitions = hostPartitions(parts);
  const groups = coordinateGroups(parts, partitions);
  const stop = (onProgress?: () => void) => stopAll(groups, listeners, partitions, controller, onProgress);
  try {
    await partitions.openAll();
    controller.onChange(async (delta) => {
      await partitions.follow(delta);
      groups.follow(delta);
    });
    const [client, internal] = await listen(parts, listeners);
    const replicas = { directories: logDirs.onlineIds, found: partitions.found };
    await controller.register(endpoints(config, client.port, internal.port), replicas);
    groups.start();
    serve(parts, partitions, groups, [client, internal]);
    log.info('broker serves', { clientPort: client.port, internalPort: internal.port });
    return { clientPort: client.port, internalPort: internal.port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Parts {
  readonly settings: Settings;
  readonly io: Io;
  readonly config: BrokerConfig;
  readonly log: Logger;
  readonly limits: BrokerLimits;
  readonly controller: OpenController;
  readonly logDirs: LogDirs;
  /** The broker can go on no more. */
  readonly fatal: (error: Error) => void;
}

function controllerConfig(config: BrokerConfig, settings: Settings): ControllerConfig {
  const { region, regionId, nodeId, clusterId, dataFolder, regions } = config;
  const { staticConfigs, defaultPartitions } = settings;
  const rack = staticConfigs.get('broker.rack');
  const defaultReplicationFactor = Number(staticConfigs.get('default.replication.factor') ?? 1);
  const defaults = { defaultPartitions, defaultReplicationFactor, staticConfigs };
  const given = { region, regionId, nodeId, dataFolder, regions, ...defaults };
  return { ...given, ...(clusterId && { clusterId }), ...(rack && { rack }) };
}

async function openLogDirs(
  controller: OpenController,
  { io, config, log }: CreateBrokerOptions,
  limits: BrokerLimits,
): Promise<LogDirs> {
  try {
    return new LogDirs({
      io,
      logger: log,
      tailBudget: createTailBudget(limits.tailCacheBytes),
      turnMs: limits.partitionTurnMs,
      nodeId: config.nodeId,
      clusterId: controller.image.clusterId,
      dataFolder: { path: config.dataFolder, directoryId: controller.directoryId },
      otherPaths: config.logDirs ?? [],
    });
  } catch (error) {
    await controller.close();
    throw error;
  }
}

function hostPartitions({ io, config, log, limits, controller, logDirs, fatal }: Parts): HostedPartitions {
  const { nodeId } = config;
  const onDirFailed = (online: readonly string[]): void => {
    // If the metadata log has failed as well, the controller tells.
    if (online.length > 0) controller.submit({ kind: 'failDirectories', brokerId: nodeId, online }).catch(() => {});
    else fatal(new BrokerError('all-log-dirs-failed', [config.dataFolder, ...(config.logDirs ?? [])].join(', ')));
  };
  const sources = controller.configSources;
  return new HostedPartitions({ io, logger: log, limits, nodeId, sources, logDirs, onDirFailed });
}

function coordinateGroups({ io, log, limits, controller }: Parts, partitions: HostedPartitions): GroupCoordinator {
  const { image, configSources } = controller;
  const submit: OpenController['submit'] = (command) => controller.submit(command);
  return new GroupCoordinator({
    io,
    logger: log,
    image,
    partitions,
    submit,
    settings: groupSettings(configSources),
    loadTurnMs: limits.groupLoadTurnMs,
  });
}

/** Opens both; whatever is open stands in `opened`, for the case that the second cannot be. */
async function listen(
  { io, config, log, limits, controller }: Parts,
  opened: BrokerListener[],
): Promise<[client: BrokerListener, internal: BrokerListener]> {
  const turn = new Turn(io.timers, limits.maxTurnMs);
  const memory = new RequestMemory(limits.maxRequestBytes);
  const { configSources } = controller;
  const told = (): number => Number(brokerConfigValue(configSources, 'max.connections'));
  const open = async (name: ListenerName, createAuthentication: () => Authentication): Promise<BrokerListener> => {
    const { host, port } = listenerConfig(config, name);
    // A number too low must not lock the peers out.
    const maxConnections = name === 'client' ? told : () => limits.maxConnections;
    const given = { io, name, host, port, createAuthentication, turn, memory, limits, maxConnections, log };
    const listener = await openListener(given);
    opened.push(listener);
    return listener;
  };
  const client = await open('client', () => OPEN);
  const internal = await open('internal', scramAuthentication(io, config.internal.secret, limits));
  return [client, internal];
}

/** The password is stretched once per process, so that strangers cannot make us do it. */
function scramAuthentication(io: Io, secret: string, limits: BrokerLimits): () => Authentication {
  const credential = scramCredential(secret, io.random.bytes(SALT_BYTES), limits.scramIterations);
  const lookup = (user: string) => (user === INTERNAL_USER ? credential : undefined);
  const nonce = () => io.random.bytes(NONCE_BYTES).toString('base64');
  return () => createScramAuthentication(() => createScramServer({ lookup, nonce: nonce() }));
}

function serve(
  { io, config, log, limits, settings, controller, logDirs }: Parts,
  partitions: HostedPartitions,
  groups: GroupCoordinator,
  [client, internal]: readonly [BrokerListener, BrokerListener],
): void {
  const clientInstances = new ClientInstances({
    image: controller.image,
    maxInstances: limits.maxTelemetryClients,
    expiryMs: limits.telemetryClientExpiryMs,
    monotonic: () => io.clock.monotonic(),
    random: io.random,
  });
  controller.onChange((delta) => {
    if (delta.some(({ type }) => type === 'ConfigRecord')) clientInstances.configsChanged();
  });
  const handlerOf = (apiKey: number): AnyHandler | undefined => handlers.find(({ api }) => api.key === apiKey);
  const handlers: readonly AnyHandler[] = createHandlers({
    facts: { nodeId: config.nodeId, autoCreateTopics: settings.autoCreateTopics },
    image: controller.image,
    submit: (command) => controller.submit(command),
    isActive: () => controller.isActive,
    channel: channelOf(io, config, log, handlerOf),
    nextProducerId: () => controller.nextProducerId(),
    configSources: controller.configSources,
    clientInstances,
    partitions,
    groups,
    logDirs: () => logDirs.all.map((dir) => logDirView(io, dir)),
    quorum: () => controller.quorum(),
    now: () => io.clock.now(),
    monotonic: () => io.clock.monotonic(),
    random: () => io.random.next(),
    timers: io.timers,
    limits,
  });
  client.serve(createDispatch('client', handlers));
  internal.serve(createDispatch('internal', handlers));
}

/** One node is its own controller. */
function channelOf(
  io: Io,
  { nodeId, internal }: BrokerConfig,
  log: Logger,
  handlerOf: (apiKey: number) => AnyHandler | undefined,
): ControllerChannel {
  const peers = createPeers({ io, log, nodeId, secret: internal.secret });
  const quorum = {
    self: { id: nodeId },
    leader: () => ({ id: nodeId, epoch: 0 }),
    addressOf: () => undefined,
    leaderUnreachable: () => {},
  };
  return new NodeControllerChannel({ io, peers, quorum, handlerOf });
}

function logDirView({ disk }: Io, { path, failure }: HostedDir): LogDirView {
  const known = (bytes: number): number => Math.min(bytes, Number.MAX_SAFE_INTEGER);
  const space = () => ({ totalBytes: known(disk.totalBytes(path)), freeBytes: known(disk.freeBytes(path)) });
  return { path, isOnline: failure === undefined, space };
}

function endpoints(config: BrokerConfig, clientPort: number, internalPort: number): BrokerEndpoint[] {
  const endpoint = (name: ListenerName, boundPort: number, securityProtocol: number): BrokerEndpoint => {
    return {
      name: ENDPOINT_NAMES[name],
      ...advertisedAddress(listenerConfig(config, name), boundPort),
      securityProtocol,
    };
  };
  return [endpoint('client', clientPort, PLAINTEXT), endpoint('internal', internalPort, SASL_PLAINTEXT)];
}

async function stopAll(
  groups: GroupCoordinator,
  listeners: readonly BrokerListener[],
  partitions: HostedPartitions,
  controller: OpenController,
  onProgress?: () => void,
): Promise<void> {
  groups.stop();
  await Promise.all(listeners.map((listener) => listener.stop()));
  await partitions.closeAll(onProgress);
  await controller.close();
}
