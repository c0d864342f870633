/**
 * One node of a cluster, put together by its roles: broker, controller or both. Called by `main.ts` and by the simulator.
 *
 *   start   folder locked, ports open → the quorum takes part → the image has caught up → partitions open → registered,
 *           fenced → unfenced → clients are served
 *   stop    leaders move away → clients drain → the controller's lead is handed over → peers drain → logs close cleanly →
 *           the metadata log closes, the folder is unlocked
 *
 * Invariant: no client is served before the registration is durable, because a restart may have lost an unsynced tail.
 */
import type { Io, Logger } from '@meridian/io';
import type { BrokerView } from './broker-view.ts';
import type { BrokerConfig } from './config.ts';
import { randomUuid } from './controller/random-uuid.ts';
import { BrokerError } from './errors.ts';
import type { BrokerLimits } from './limits.ts';
import { BrokerPlane } from './node/broker-plane.ts';
import { type MetadataPlane, openMetadataPlane } from './node/metadata-plane.ts';
import type { NodeOptions } from './node/node-options.ts';
import { serve } from './node/serve.ts';
import { StartGate } from './node/start-gate.ts';
import { nodeView } from './node/view.ts';
import { checkRoles, rolesOf } from './node-roles.ts';
import { settingsOf } from './static-configs.ts';

export type { BrokerView, PartitionView } from './broker-view.ts';
export type { BrokerConfig } from './config.ts';
export type { BrokerLimits } from './limits.ts';

export interface Broker {
  /** 0 on a node that is a controller alone. */
  readonly clientPort: number;
  readonly internalPort: number;
  /** The node as it is; the view moves on with it. */
  inspect(): BrokerView;
  /** Answers what is in flight, writes everything out and closes; `onProgress` is called as long as it moves. */
  stop(onProgress?: () => void): Promise<void>;
}

export interface CreateBrokerOptions {
  readonly io: Io;
  readonly config: BrokerConfig;
  readonly log: Logger;
  readonly limits?: Partial<BrokerLimits>;
  /** The metadata log or every log dir has failed: the node can no longer keep its word and should be started anew. */
  readonly onFatal?: (error: Error) => void;
  /** Called once, before the node takes part in anything: its view moves on with it, through the start, too. */
  readonly onView?: (view: BrokerView) => void;
  /** Ends a start that has not come to its end: it rejects with `controller-closed` once everything is closed. */
  readonly givenUp?: AbortSignal;
}

/**
 * Resolves when the node serves; a node of several waits for a majority of the voters. Rejects with a coded error: `IoError`
 * (port in use, folder locked) or `BrokerError` (folder newer, of another node, config invalid, registration refused).
 */
export async function createBroker(options: CreateBrokerOptions): Promise<Broker> {
  const { io, config, log } = options;
  checkRoles(config);
  const settings = settingsOf(config, options.limits);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {}); // told to `onFatal` as well, once the node has started
  const node = { hasStarted: false };
  const fatal = (error: Error): void => {
    failed.reject(error);
    log.error('the broker gives up', { error });
    if (node.hasStarted) options.onFatal?.(error);
  };
  const roles = rolesOf(config);
  const incarnationId = randomUuid(io.random);
  const given: NodeOptions = { io, log, config, settings, limits: settings.limits, roles, incarnationId, fatal };
  const metadata = await openMetadataPlane(given);
  metadata.controller.onFailure = fatal;
  const starting = new Starting(given, metadata);
  options.onView?.(starting.view());
  const giveUp = (): void => failed.reject(new BrokerError('controller-closed', 'the start is given up'));
  options.givenUp?.addEventListener('abort', giveUp, { once: true });
  if (options.givenUp?.aborted) giveUp();
  try {
    await Promise.race([starting.start(), failed.promise]);
  } catch (error) {
    await starting.stop();
    throw error;
  } finally {
    options.givenUp?.removeEventListener('abort', giveUp);
  }
  node.hasStarted = true;
  return starting.asBroker();
}

/** A node from its open metadata plane to its end. */
class Starting {
  readonly #options: NodeOptions;
  readonly #metadata: MetadataPlane;
  readonly #gate = new StartGate();
  #broker: BrokerPlane | undefined;
  #isStopped = false;

  constructor(options: NodeOptions, metadata: MetadataPlane) {
    this.#options = options;
    this.#metadata = metadata;
  }

  async start(): Promise<void> {
    const { log, roles } = this.#options;
    const broker = roles.isBroker ? new BrokerPlane(this.#options, this.#metadata) : undefined;
    this.#broker = broker;
    const doors = serve(this.#options, this.#metadata, broker, this.#gate);
    await this.#metadata.start();
    await broker?.open();
    if (this.#isStopped) return;
    this.#gate.open();
    await broker?.join();
    if (this.#isStopped) return;
    doors.letClientsIn();
    this.#metadata.registerController();
    const { client, internal } = this.#metadata.listeners;
    log.info('broker serves', { clientPort: client?.port ?? 0, internalPort: internal.port });
  }

  async stop(onProgress?: () => void): Promise<void> {
    const { listeners, controller } = this.#metadata;
    this.#isStopped = true;
    this.#gate.close(new BrokerError('controller-closed', 'the node stops'));
    await this.#broker?.leave();
    await listeners.client?.stop();
    await controller.resign();
    await listeners.internal.stop();
    await this.#broker?.close(onProgress);
    await this.#metadata.close();
  }

  view(): BrokerView {
    return nodeView(this.#options.config.nodeId, this.#metadata, () => this.#broker?.partitions.table);
  }

  asBroker(): Broker {
    const { client, internal } = this.#metadata.listeners;
    return {
      clientPort: client?.port ?? 0,
      internalPort: internal.port,
      inspect: () => this.view(),
      stop: (onProgress) => this.stop(onProgress),
    };
  }
}
