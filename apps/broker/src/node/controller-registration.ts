/**
 * A controller tells the active one where it is and which feature levels it knows, under the incarnation of this process;
 * so levels are raised only to where all of them can follow. Runs beside everything else, for as long as the node lives.
 * Invariant: one request is out at a time, and none while the image shows what would be told.
 */
import { ClientError } from '@meridian/client';
import { ControllerRegistration as Api, ERROR } from '@meridian/protocol';
import { SUPPORTED_FEATURES } from '../controller/features.ts';
import type { BrokerEndpoint } from '../controller/image.ts';
import { CONTROLLER_LIMITS } from '../controller/limits.ts';
import type { QuorumController } from '../controller/quorum-controller.ts';
import { BrokerError } from '../errors.ts';
import type { ControllerChannel } from '../peers/controller-channel.ts';
import type { NodeOptions } from './node-options.ts';

interface Parts {
  readonly controller: QuorumController;
  readonly channel: ControllerChannel;
  /** Of the internal listener. */
  readonly endpoints: readonly BrokerEndpoint[];
}

export class ControllerRegistration {
  readonly #options: NodeOptions;
  readonly #parts: Parts;
  readonly #closing = new AbortController();
  readonly #stopFollowing: () => void;
  #isAsking = false;

  constructor(options: NodeOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
    this.#stopFollowing = parts.controller.onChange((delta) => {
      if (delta.some(({ type }) => type === 'RegisterControllerRecord')) this.look();
    });
  }

  /** Registers if the image does not show it; called when the image has caught up. */
  look(): void {
    if (this.#isAsking || this.#closing.signal.aborted || this.#isShown()) return;
    this.#isAsking = true;
    void this.#ask();
  }

  close(): void {
    this.#closing.abort();
    this.#stopFollowing();
  }

  #isShown(): boolean {
    const { config, incarnationId } = this.#options;
    return this.#parts.controller.image.controllers.get(config.nodeId)?.incarnationId === incarnationId;
  }

  async #ask(): Promise<void> {
    const { io, log, config, incarnationId } = this.#options;
    const { channel, endpoints } = this.#parts;
    const features = [...SUPPORTED_FEATURES].map(([name, { min, max }]) => {
      return { name, minSupportedVersion: min, maxSupportedVersion: max };
    });
    const body = {
      ...{ controllerId: config.nodeId, incarnationId, features },
      zkMigrationReady: false,
      listeners: [...endpoints],
    };
    const call = { timeoutMs: CONTROLLER_LIMITS.registrationMs, signal: this.#closing.signal };
    try {
      const { errorCode, errorMessage } = await channel.send(Api, body, call);
      if (errorCode !== ERROR.NONE) log.warn('the controller’s registration is refused', { errorCode, errorMessage });
    } catch (error) {
      if (!(error instanceof ClientError) && !(error instanceof BrokerError)) throw error;
    }
    await io.timers.sleep(CONTROLLER_LIMITS.registrationRetryMs, this.#closing.signal);
    this.#isAsking = false;
    this.look();
  }
}
