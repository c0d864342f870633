/**
 * A controller by itself, for tests: data folder, quorum of one voter and controller, without listeners or a broker. Made
 * by `openLoneController`, which resolves when it decides.
 */
import type { Io, Logger } from '@meridian/io';
import type { RegisterBroker } from '../controller/commands.ts';
import { type ControllerConfig, createController } from '../controller/create-controller.ts';
import { type DataFolder, openDataFolder } from '../controller/data-folder.ts';
import type { BrokerEndpoint } from '../controller/image.ts';
import type { QuorumController } from '../controller/quorum-controller.ts';
import { randomUuid } from '../controller/random-uuid.ts';
import type { Peers } from '../peers/peers.ts';
import { openQuorumNode } from '../quorum/open-quorum-node.ts';

export interface LoneConfig extends ControllerConfig {
  readonly dataFolder: string;
  /** Made up by a new folder if absent. */
  readonly clusterId?: string;
}

export interface LoneController extends QuorumController {
  /** Registers this node's broker under a new incarnation. */
  register(
    endpoints: readonly BrokerEndpoint[],
    replicas?: Pick<RegisterBroker, 'directories' | 'found'>,
  ): Promise<void>;
  /** The epoch that it leads. */
  readonly epoch: number;
}

const NOWHERE = { host: 'nowhere', port: 1 };

const NO_PEERS: Peers = {
  send: () => Promise.reject(new Error('there is nobody else')),
  ask: () => Promise.resolve('silent'),
  onLost: () => () => {},
  close: () => {},
};

interface Options {
  readonly io: Io;
  readonly log: Logger;
  readonly config: LoneConfig;
}

export async function openLoneController(options: Options): Promise<LoneController> {
  const { io, config } = options;
  const folder = openDataFolder({ io, path: config.dataFolder, nodeId: config.nodeId, clusterId: config.clusterId });
  try {
    const controller = start(options, folder);
    await controller.whenCaughtUp();
    return lone(controller, folder, options);
  } catch (error) {
    folder.release();
    throw error;
  }
}

function start({ io, log, config }: Options, folder: DataFolder): QuorumController {
  const { clusterId, directoryId, metadataFolder } = folder;
  const self = { id: config.nodeId, directoryId };
  const quorum = openQuorumNode({
    ...{ io, log, folder: metadataFolder, clusterId, self, isController: true },
    voters: [{ ...self, ...NOWHERE }],
    listenerName: 'INTERNAL',
    endpoint: () => NOWHERE,
    peers: NO_PEERS,
  });
  const controller = createController({ io, log, config, folder, quorum });
  quorum.start(controller);
  return controller;
}

function lone(controller: QuorumController, folder: DataFolder, { io, config }: Options): LoneController {
  const close = controller.close.bind(controller);
  return Object.assign(controller, {
    epoch: controller.quorum().leaderEpoch,
    async register(
      endpoints: readonly BrokerEndpoint[],
      replicas: Pick<RegisterBroker, 'directories' | 'found'> = { directories: [folder.directoryId] },
    ): Promise<void> {
      const incarnationId = randomUuid(io.random);
      const given = { brokerId: config.nodeId, incarnationId, endpoints, rack: null, ...replicas };
      await controller.submit({ kind: 'registerBroker', ...given });
    },
    async close(): Promise<void> {
      try {
        await close();
      } finally {
        folder.release();
      }
    },
  });
}
