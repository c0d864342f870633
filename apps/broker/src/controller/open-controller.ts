/**
 * Opens the data folder and the metadata log in it and brings the controller to life. Called once by the broker's start.
 * Invariant: when it resolves, the image is the whole log's; nothing is served before `register` has resolved too, because a
 * restart may have lost an unsynced tail and only registering moves the leader epochs.
 */
import type { Io, Logger } from '@meridian/io';
import type { MetadataRecordInput } from '@meridian/protocol';
import type { BrokerError } from '../errors.ts';
import type { RegisterBroker } from './commands.ts';
import type { Controller } from './controller.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import type { DecideContext } from './decide/decision.ts';
import { METADATA_VERSION } from './features.ts';
import type { BrokerEndpoint } from './image.ts';
import { MetadataController } from './metadata-controller.ts';
import { MetadataLog } from './metadata-log.ts';
import { MutableImage } from './mutable-image.ts';
import { randomUuid } from './random-uuid.ts';

export interface ControllerConfig {
  readonly region: string;
  /** 1–4095; producer ids are `regionId × 2^40 + n`. */
  readonly regionId: number;
  readonly nodeId: number;
  /** 22 characters of base64 as Kafka's; when absent, a new folder makes one up. */
  readonly clusterId?: string;
  readonly dataFolder: string;
  /** All regions' names: reserved as prefixes of topic names. */
  readonly regions: readonly string[];
  readonly defaultPartitions: number;
  /** 1 when absent. */
  readonly defaultReplicationFactor?: number;
  readonly rack?: string;
  /** Values by Kafka's broker config names (`log.retention.ms`, …) that this process was started with. */
  readonly staticConfigs?: ReadonlyMap<string, string>;
}

/** Where this broker's replicas lie: the log dirs that are online, and what was found elsewhere than the metadata says. */
export type Replicas = Pick<RegisterBroker, 'directories' | 'found'>;

export interface OpenController extends Controller {
  /** Registers this broker under a new incarnation and moves the epochs of what it leads. Once, when the listeners' ports are known. */
  register(endpoints: readonly BrokerEndpoint[], replicas?: Replicas): Promise<void>;
  /** Of the data folder (uuid text). */
  readonly directoryId: string;
  /** The metadata log has failed; every command is refused from then on, and the process should end. */
  onFailure: (error: BrokerError) => void;
  /** Commits what waits, closes the log and gives the data folder's lock back. */
  close(): Promise<void>;
}

/**
 * Rejects with `BrokerError` (`folder-newer`, `folder-corrupt`, `folder-of-another-node`) or `IoError` (`locked`, …); the
 * folder is then unlocked again.
 */
export async function openController(options: {
  io: Io;
  config: ControllerConfig;
  log: Logger;
}): Promise<OpenController> {
  const { io, config, log } = options;
  const { nodeId, clusterId } = config;
  const folder = openDataFolder({ io, path: config.dataFolder, nodeId, clusterId });
  try {
    const image = new MutableImage(folder.clusterId);
    const metadataLog = new MetadataLog({ io, log, folder: folder.metadataFolder, image, nodeId });
    const first = firstRecords(image, metadataLog.transactionLeftOpen);
    await metadataLog.begin(first, image);
    const { directoryId } = folder;
    const context = decideContext(io, config);
    const controller = new MetadataController({ io, log, metadataLog, image, directoryId, context });
    log.info('metadata log replayed', { epoch: metadataLog.epoch, endOffset: image.endOffset });
    return opened(controller, folder, io, config);
  } catch (error) {
    folder.release();
    throw error;
  }
}

/** What a new epoch has to say before any command: a transaction left open ends, and a new log states its level. */
function firstRecords(image: MutableImage, transactionLeftOpen: boolean): MetadataRecordInput[] {
  const records: MetadataRecordInput[] = [];
  if (transactionLeftOpen)
    records.push({ type: 'AbortTransactionRecord', reason: 'left open by an earlier controller' });
  if (!image.features.has('metadata.version')) {
    records.push({ type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: METADATA_VERSION });
  }
  return records;
}

function decideContext(io: Io, config: ControllerConfig): DecideContext {
  return {
    regionId: config.regionId,
    regions: config.regions,
    nodeId: config.nodeId,
    defaultPartitions: config.defaultPartitions,
    defaultReplicationFactor: config.defaultReplicationFactor ?? 1,
    staticConfigs: config.staticConfigs ?? new Map(),
    newUuid: () => randomUuid(io.random),
    random: () => io.random.next(),
  };
}

/** Adds to the controller what only its owner may do. */
function opened(controller: MetadataController, folder: DataFolder, io: Io, config: ControllerConfig): OpenController {
  const close = controller.close.bind(controller);
  return Object.assign(controller, {
    async register(
      endpoints: readonly BrokerEndpoint[],
      replicas: Replicas = { directories: [folder.directoryId] },
    ): Promise<void> {
      await controller.submit({
        kind: 'registerBroker',
        brokerId: config.nodeId,
        incarnationId: randomUuid(io.random),
        endpoints,
        rack: config.rack ?? null,
        ...replicas,
      });
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
