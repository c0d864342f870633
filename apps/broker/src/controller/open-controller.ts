/**
 * Opens the data folder and the metadata log in it and brings the controller to life. Called once by the broker's start.
 * Invariant: when it resolves, the image is the whole log's; nothing is served before `register` has resolved too, because a
 * restart may have lost an unsynced tail and only registering moves the leader epochs.
 */
import type { Io, Logger } from '@meridian/io';
import type { Controller } from './controller.ts';
import type { BrokerEndpoint } from './image.ts';

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
}

export interface OpenController extends Controller {
  /** Registers this broker under a new incarnation and moves the epochs of what it leads. Once, when the listeners' ports are known. */
  register(endpoints: readonly BrokerEndpoint[]): Promise<void>;
  close(): Promise<void>;
}

export function openController(_options: { io: Io; config: ControllerConfig; log: Logger }): Promise<OpenController> {
  throw new Error('The controller is not there yet.');
}
