/**
 * The shell of a broker's life: sends what the machine asks for to the active controller, wherever it is, and tells what
 * has become of the broker. One per broker process, made by `createBroker`.
 * Invariant: `register` and `unfence` settle; after `stop` nothing is sent any more.
 */
import { ClientError } from '@meridian/client';
import type { Io, Logger, Timer } from '@meridian/io';
import {
  AssignReplicasToDirs,
  BrokerHeartbeat,
  BrokerRegistration,
  ERROR,
  errorName,
  type RequestInput,
} from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import type { ControllerChannel } from '../peers/controller-channel.ts';
import {
  createLifecycle,
  type Lifecycle,
  type LifecycleEffect,
  type LifecycleInput,
  stepLifecycle,
} from './lifecycle.ts';
import type { LifecycleSettings } from './lifecycle-settings.ts';
import { LIFECYCLE_LIMITS } from './limits.ts';

/** What the controller is told of this process; a restart is another incarnation. */
export type Registration = Omit<RequestInput<typeof BrokerRegistration>, 'previousBrokerEpoch' | 'isMigratingZkBroker'>;

/** A replica that lies in another log dir than the metadata says. */
export interface FoundReplica {
  readonly topicId: string;
  readonly index: number;
  readonly directory: string;
}

export interface LocalRegistration {
  readonly registration: Registration;
  readonly previousBrokerEpoch: number;
  readonly found: readonly FoundReplica[];
}

export interface BrokerLifecycleOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly channel: ControllerChannel;
  readonly registration: Registration;
  /** Of the process before this one, if it stopped in order; −1 if not. */
  readonly previousBrokerEpoch: number;
  readonly found: readonly FoundReplica[];
  /**
   * Registers at this node, while it is the active controller, with what the request has no room for (`found`). Rejects
   * with `not-controller` where that has moved.
   */
  readonly registerHere: (
    asked: LocalRegistration,
  ) => Promise<{ readonly errorCode: number; readonly brokerEpoch: number }>;
  /** Offset of the last metadata record that this node has applied. */
  readonly metadataOffset: () => number;
  readonly settings: LifecycleSettings;
}

export class BrokerLifecycle {
  readonly #options: BrokerLifecycleOptions;
  readonly #life: Lifecycle;
  readonly #registered = Promise.withResolvers<number>();
  readonly #unfenced = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #offlineLogDirs = new Set<string>();
  /** Ends what is out when the life ends. */
  readonly #closing = new AbortController();
  #timer: Timer | undefined;

  constructor(options: BrokerLifecycleOptions) {
    const { io, settings } = options;
    this.#options = options;
    this.#life = createLifecycle(settings.heartbeatIntervalMs, io.clock.monotonic() + settings.initialTimeoutMs);
    for (const { promise } of [this.#registered, this.#unfenced]) promise.catch(() => {}); // whoever waits is told
  }

  /** −1 until it has registered. Another one after the broker had been forgotten. */
  get brokerEpoch(): number {
    return this.#life.brokerEpoch;
  }

  get isFenced(): boolean {
    return this.#life.phase !== 'running' && this.#life.phase !== 'leaving';
  }

  /** Resolves with the broker's epoch. Rejects with `BrokerError`: `registration-refused`, `no-controller`. */
  register(): Promise<number> {
    this.#step({ kind: 'start' });
    return this.#registered.promise;
  }

  /** Everything is there to serve: resolves when the broker has been unfenced for the first time. */
  unfence(): Promise<void> {
    this.#step({ kind: 'ready' });
    return this.#unfenced.promise;
  }

  /** The controller is told at once, and with every heartbeat from now on. */
  logDirsFailed(ids: Iterable<string>): void {
    for (const id of ids) this.#offlineLogDirs.add(id);
    this.#step({ kind: 'news' });
  }

  /** The controller waits to hear of this broker, or is another one, or nobody for now: a heartbeat goes out at once. */
  reportNow(): void {
    this.#step({ kind: 'news' });
  }

  /** Lets what the broker leads move to others. Resolves when that is done or given up; nothing is sent after it. */
  async stop(): Promise<void> {
    if (this.#options.settings.leavesInOrder) this.#step({ kind: 'stop' });
    else this.end();
    const { timers } = this.#options.io;
    const overdue = timers.after(LIFECYCLE_LIMITS.shutdownTimeoutMs, () => this.end());
    await this.#ended.promise;
    overdue.cancel();
  }

  /** At once: nothing is sent any more. */
  end(): void {
    this.#life.phase = 'ended';
    this.#timer?.cancel();
    this.#closing.abort();
    const ended = new BrokerError('controller-closed', 'the broker stops');
    this.#registered.reject(ended);
    this.#unfenced.reject(ended);
    this.#ended.resolve();
  }

  #step(input: LifecycleInput): void {
    const effects = stepLifecycle(this.#life, input, this.#options.io.clock.monotonic());
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: LifecycleEffect): void {
    this.#timer?.cancel();
    if (effect.kind === 'arm') {
      this.#timer = this.#options.io.timers.after(effect.delayMs, () => this.#step({ kind: 'due' }));
    } else if (effect.kind === 'register') void this.#register();
    else if (effect.kind === 'heartbeat') void this.#beat(effect.wantFence, effect.wantShutDown);
    else if (effect.kind === 'refused') this.#refuse(effect.errorCode);
    else this.#entered(effect.phase);
  }

  #entered(phase: Lifecycle['phase']): void {
    const { brokerEpoch } = this.#life;
    if (phase === 'ended') this.end();
    else this.#options.log.info(`broker is ${phase}`, { brokerEpoch });
    if (phase === 'running') this.#unfenced.resolve();
  }

  #refuse(errorCode: number): void {
    const nobody = errorCode === ERROR.NONE;
    const detail = nobody ? `${this.#options.settings.initialTimeoutMs} ms` : errorName(errorCode);
    const error = new BrokerError(nobody ? 'no-controller' : 'registration-refused', detail);
    this.#registered.reject(error);
    this.#unfenced.reject(error);
  }

  async #register(): Promise<void> {
    const { registration, log } = this.#options;
    try {
      const { errorCode, brokerEpoch, hasFound } = await this.#ask();
      if (errorCode === ERROR.NONE && !hasFound) await this.#assignFound(brokerEpoch);
      if (errorCode === ERROR.NONE) this.#registered.resolve(brokerEpoch);
      else log.warn('registration refused', { brokerId: registration.brokerId, error: errorName(errorCode) });
      this.#step({ kind: 'registered', errorCode, brokerEpoch });
    } catch (error) {
      this.#failed('registration', error);
    }
  }

  async #ask(): Promise<{ errorCode: number; brokerEpoch: number; hasFound: boolean }> {
    const { channel, registration, found, registerHere } = this.#options;
    // Whoever registers again has lost nothing since the last time.
    const { brokerEpoch } = this.#life;
    const previousBrokerEpoch = brokerEpoch === -1 ? this.#options.previousBrokerEpoch : brokerEpoch;
    if (channel.isLocal) {
      return { ...(await registerHere({ registration, previousBrokerEpoch, found })), hasFound: true };
    }
    const body = { ...registration, previousBrokerEpoch };
    const call = { timeoutMs: LIFECYCLE_LIMITS.registrationTimeoutMs, signal: this.#closing.signal };
    return { ...(await channel.send(BrokerRegistration, body, call)), hasFound: found.length === 0 };
  }

  /** Before the broker can be unfenced, so that nothing is elected that cannot be led. */
  async #assignFound(brokerEpoch: number): Promise<void> {
    const { channel, found, registration } = this.#options;
    const body = { brokerId: registration.brokerId, brokerEpoch, directories: byDirectory(found) };
    const call = { timeoutMs: LIFECYCLE_LIMITS.registrationTimeoutMs, signal: this.#closing.signal };
    const { errorCode } = await channel.send(AssignReplicasToDirs, body, call);
    if (errorCode !== ERROR.NONE) throw new ClientError('refused', `AssignReplicasToDirs, ${errorName(errorCode)}`);
  }

  async #beat(wantFence: boolean, wantShutDown: boolean): Promise<void> {
    const { channel, registration, metadataOffset, settings } = this.#options;
    const body = {
      brokerId: registration.brokerId,
      brokerEpoch: this.#life.brokerEpoch,
      currentMetadataOffset: metadataOffset(),
      wantFence,
      wantShutDown,
      offlineLogDirs: [...this.#offlineLogDirs],
    };
    const timeoutMs = wantShutDown ? LIFECYCLE_LIMITS.shutdownHeartbeatTimeoutMs : settings.sessionTimeoutMs / 2;
    try {
      const answer = await channel.send(BrokerHeartbeat, body, { timeoutMs, signal: this.#closing.signal });
      const { errorCode, isFenced, shouldShutDown } = answer;
      if (errorCode !== ERROR.NONE) this.#options.log.warn('heartbeat refused', { error: errorName(errorCode) });
      this.#step({ kind: 'beaten', errorCode, isFenced, shouldShutDown });
    } catch (error) {
      this.#failed('heartbeat', error);
    }
  }

  #failed(what: string, error: unknown): void {
    if (!(error instanceof ClientError) && !(error instanceof BrokerError)) throw error;
    if (this.#closing.signal.aborted) return;
    // Who leaves last has nobody left to ask.
    const level = this.#life.phase === 'leaving' ? 'info' : 'warn';
    if (this.#life.failures === 0) this.#options.log[level](`${what} without an answer`, { error });
    this.#step({ kind: 'failed' });
  }
}

function byDirectory(found: readonly FoundReplica[]): RequestInput<typeof AssignReplicasToDirs>['directories'] {
  const directories = new Map<string, Map<string, { partitionIndex: number }[]>>();
  for (const { topicId, index, directory } of found) {
    const topics = directories.get(directory) ?? new Map<string, { partitionIndex: number }[]>();
    directories.set(directory, topics);
    const partitions = topics.get(topicId) ?? [];
    topics.set(topicId, partitions);
    partitions.push({ partitionIndex: index });
  }
  return [...directories].map(([id, topics]) => ({
    id,
    topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
  }));
}
