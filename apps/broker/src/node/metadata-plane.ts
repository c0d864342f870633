/**
 * What every node has, whatever its roles: the data folder, its part in the metadata quorum, the controller over it, and
 * the ways to other nodes. Opened first and closed last.
 *
 *   open    folder locked → ports open → metadata log, controller (nothing happens yet)
 *   start   the quorum takes part; the image catches up with the leader
 *   close   what was taken is finished, the lead handed over, the log closed, the folder unlocked
 */
import { uuidFromBase64 } from '@meridian/protocol';
import type { AnyHandler } from '../apis/handler.ts';
import { brokerConfigValue } from '../controller/configs/effective.ts';
import { type ControllerConfig, createController } from '../controller/create-controller.ts';
import { type DataFolder, openDataFolder } from '../controller/data-folder.ts';
import type { QuorumController } from '../controller/quorum-controller.ts';
import type { LivenessWatch } from '../peers/liveness-watch.ts';
import { NodeControllerChannel } from '../peers/node-controller-channel.ts';
import { createPeers } from '../peers/node-peers.ts';
import type { Peers } from '../peers/peers.ts';
import { createRemoteController } from '../peers/remote-controller.ts';
import type { QuorumNode } from '../quorum/quorum-node.ts';
import { ControllerRegistration } from './controller-registration.ts';
import { endpointsOf, ListenerHooks, type NodeListeners, openListeners } from './listeners.ts';
import type { NodeOptions } from './node-options.ts';
import { openQuorum } from './open-quorum.ts';
import { watchPeers } from './watch-peers.ts';

interface Opened {
  readonly folder: DataFolder;
  readonly hooks: ListenerHooks;
  readonly listeners: NodeListeners;
  readonly peers: Peers;
  readonly quorum: QuorumNode;
}

/** Rejects with a coded error; nothing stays open or locked then. */
export async function openMetadataPlane(options: NodeOptions): Promise<MetadataPlane> {
  const { io, config, log } = options;
  const { nodeId, clusterId, dataFolder: path } = config;
  const folder = openDataFolder({ io, path, nodeId, clusterId, directoryId: directoryIdOf(config) });
  const hooks = new ListenerHooks();
  const peers = createPeers({ io, log, nodeId, secret: config.internal.secret });
  let listeners: NodeListeners | undefined;
  try {
    listeners = await openListeners(options, hooks);
    const quorum = openQuorum(options, folder, listeners, peers);
    return new MetadataPlane(options, { folder, hooks, listeners, peers, quorum });
  } catch (error) {
    peers.close();
    await Promise.all([listeners?.client?.stop(), listeners?.internal.stop()]);
    folder.release();
    throw error;
  }
}

/** What a new folder is given. */
function directoryIdOf({ nodeId, directoryId, voters }: NodeOptions['config']): string | undefined {
  const id = directoryId ?? voters?.find((voter) => voter.id === nodeId)?.directoryId;
  return id === undefined ? undefined : uuidFromBase64(id);
}

function controllerConfig({ config, settings }: NodeOptions): ControllerConfig {
  const { regionId, nodeId, regions } = config;
  const { staticConfigs, defaultPartitions } = settings;
  const defaultReplicationFactor = Number(staticConfigs.get('default.replication.factor') ?? 1);
  return { regionId, nodeId, regions, defaultPartitions, defaultReplicationFactor, staticConfigs };
}

export class MetadataPlane {
  readonly folder: DataFolder;
  readonly listeners: NodeListeners;
  readonly peers: Peers;
  readonly quorum: QuorumNode;
  readonly controller: QuorumController;
  readonly channel: NodeControllerChannel;
  /** What the channel calls when this node is the active controller; set before `start`. */
  handlers: readonly AnyHandler[] = [];
  /** Another node decides, or nobody for now. */
  onLeaderChange: () => void = () => {};
  readonly #watch: LivenessWatch;
  readonly #registration: ControllerRegistration | undefined;

  constructor(options: NodeOptions, opened: Opened) {
    const { io, log } = options;
    const { folder, hooks, listeners, peers, quorum } = opened;
    this.folder = folder;
    this.listeners = listeners;
    this.peers = peers;
    this.quorum = quorum;
    const controller = createController({ io, log, config: controllerConfig(options), folder, quorum });
    this.controller = controller;
    const handlerOf = (apiKey: number): AnyHandler | undefined => this.handlers.find(({ api }) => api.key === apiKey);
    const channel = new NodeControllerChannel({ io, peers, quorum, handlerOf });
    this.channel = channel;
    controller.onLeaderChange = () => {
      channel.leaderChanged();
      this.onLeaderChange();
    };
    const { nodeId } = options.config;
    const brokerEpoch = (): number => controller.image.brokers.get(nodeId)?.epoch ?? -1;
    controller.remote = createRemoteController({ timers: io.timers, channel, controller, nodeId, brokerEpoch });
    this.#watch = watchPeers(options, { peers, quorum, controller });
    controller.onActive = () => this.#watch.sweep();
    const endpoints = endpointsOf(options, { client: undefined, internal: listeners.internal });
    if (options.roles.isController) {
      this.#registration = new ControllerRegistration(options, { controller, channel, endpoints });
    }
    hooks.brokers = this.#watch;
    hooks.maxClientConnections = () => Number(brokerConfigValue(controller.configSources, 'max.connections'));
  }

  /** Takes part in the quorum; resolves when the image has caught up. */
  start(): Promise<void> {
    this.quorum.start(this.controller);
    return this.controller.whenCaughtUp();
  }

  /** Tells the active controller of this one; nobody waits for it. */
  registerController(): void {
    this.#registration?.look();
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#registration?.close();
    try {
      await this.controller.close();
    } finally {
      this.peers.close();
      this.folder.release();
    }
  }
}
