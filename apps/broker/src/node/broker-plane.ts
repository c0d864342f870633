/**
 * What makes a node a broker: log dirs, partitions with their replication, groups, and the broker's life in the cluster.
 * Made when the metadata plane is open, before anything is known of the cluster.
 *
 *   start   partitions open (metadata goes on meanwhile) → registered, fenced → unfenced → groups
 *   stop    leaders move away → (listeners drain) → logs close cleanly
 *
 * Invariant: nothing is served before the registration is durable, because a restart may have lost an unsynced tail.
 */
import { createTailBudget } from '@meridian/log';
import type { MetadataRecord } from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import { GroupCoordinator } from '../groups/group-coordinator.ts';
import { groupSettings } from '../groups/group-settings.ts';
import type { BrokerLifecycle } from '../lifecycle/broker-lifecycle.ts';
import { openLifecycle } from '../lifecycle/open-lifecycle.ts';
import { HostedPartitions } from '../partition/hosted-partitions.ts';
import { LogDirs } from '../partition/log-dirs/log-dirs.ts';
import { Replication } from '../replication/replication.ts';
import { ClientInstances } from '../telemetry/client-instances.ts';
import { endpointsOf } from './listeners.ts';
import type { MetadataPlane } from './metadata-plane.ts';
import type { NodeOptions } from './node-options.ts';

export class BrokerPlane {
  readonly logDirs: LogDirs;
  readonly partitions: HostedPartitions;
  readonly groups: GroupCoordinator;
  readonly clientInstances: ClientInstances;
  readonly #options: NodeOptions;
  readonly #metadata: MetadataPlane;
  readonly #replication: Replication;
  #lifecycle: BrokerLifecycle | undefined;
  /** Changes of the metadata that came while partitions were being opened; undefined once they are. */
  #early: (readonly MetadataRecord[])[] | undefined = [];

  /** Throws a coded error; nothing of it stays open then. */
  constructor(options: NodeOptions, metadata: MetadataPlane) {
    const { io, config, log, limits, incarnationId } = options;
    const { controller, folder, peers, channel } = metadata;
    this.#options = options;
    this.#metadata = metadata;
    const { nodeId } = config;
    metadata.onLeaderChange = () => this.#lifecycle?.reportNow();
    this.logDirs = openLogDirs(options, folder);
    const sources = controller.configSources;
    this.#replication = new Replication({ io, logger: log, peers, channel, nodeId, sources });
    this.partitions = new HostedPartitions({
      ...{ io, logger: log, limits, nodeId, incarnationId, sources, logDirs: this.logDirs },
      replication: this.#replication,
      onDirFailed: (online) => this.#dirFailed(online),
    });
    this.groups = new GroupCoordinator({
      ...{ io, logger: log, image: controller.image, partitions: this.partitions.table },
      submit: (command) => controller.submit(command),
      settings: groupSettings(sources),
      loadTurnMs: limits.groupLoadTurnMs,
    });
    this.clientInstances = new ClientInstances({
      image: controller.image,
      maxInstances: limits.maxTelemetryClients,
      expiryMs: limits.telemetryClientExpiryMs,
      monotonic: () => io.clock.monotonic(),
      random: io.random,
    });
  }

  /** Opens everything that the image says, while it moves on. */
  async open(): Promise<void> {
    const { controller } = this.#metadata;
    controller.onChange((delta) => {
      if (delta.some(({ type }) => type === 'ConfigRecord')) this.clientInstances.configsChanged();
      if (this.#early === undefined) return this.#follow(delta);
      this.#early.push(delta);
    });
    await this.partitions.openAll();
    for (let next = this.#early!.shift(); next !== undefined; next = this.#early!.shift()) await this.#follow(next);
    this.#early = undefined;
  }

  /** Resolves when the broker has been registered and unfenced. */
  async join(): Promise<void> {
    this.#lifecycle = this.#openLifecycle();
    await this.#lifecycle.register();
    await this.#lifecycle.unfence();
    this.groups.start();
  }

  /** Lets what it leads move to others; within bounds. */
  async leave(): Promise<void> {
    this.groups.stop();
    const { brokers } = this.#metadata.controller.image;
    const hasOthers = [...brokers.values()].some(({ id, fenced }) => id !== this.#options.config.nodeId && !fenced);
    if (hasOthers) await this.#lifecycle?.stop();
  }

  async close(onProgress?: () => void): Promise<void> {
    this.#lifecycle?.end();
    await this.partitions.closeAll(onProgress);
    this.#replication.close();
  }

  async #follow(delta: readonly MetadataRecord[]): Promise<void> {
    await this.partitions.follow(delta);
    this.groups.follow(delta);
  }

  #openLifecycle(): BrokerLifecycle {
    const { io, log, config, settings, incarnationId } = this.#options;
    const { controller, channel, listeners } = this.#metadata;
    return openLifecycle({
      ...{ io, log, channel, controller, nodeId: config.nodeId, incarnationId, logDirs: this.logDirs },
      rack: settings.staticConfigs.get('broker.rack') ?? null,
      endpoints: endpointsOf(this.#options, listeners),
      found: this.partitions.found,
    });
  }

  #dirFailed(online: readonly string[]): void {
    const { config, fatal } = this.#options;
    if (online.length === 0) {
      return fatal(new BrokerError('all-log-dirs-failed', [config.dataFolder, ...(config.logDirs ?? [])].join(', ')));
    }
    const offline = this.logDirs.all.flatMap(({ directoryId, failure }) => {
      return failure === undefined || directoryId === undefined ? [] : [directoryId];
    });
    this.#lifecycle?.logDirsFailed(offline);
  }
}

function openLogDirs({ io, log, config, limits }: NodeOptions, folder: MetadataPlane['folder']): LogDirs {
  return new LogDirs({
    io,
    logger: log,
    tailBudget: createTailBudget(limits.tailCacheBytes),
    turnMs: limits.partitionTurnMs,
    nodeId: config.nodeId,
    clusterId: folder.clusterId,
    dataFolder: { path: config.dataFolder, directoryId: folder.directoryId },
    otherPaths: config.logDirs ?? [],
  });
}
