/**
 * What only the active controller does by itself, in time: it fences brokers that are silent or gone, lets preferred
 * replicas lead again, and elects uncleanly where topics allow it. Held by the node's controller, which tells when it is
 * active and what it is asked; everything is done by commands.
 * Invariant: between `end` and `begin` nothing is armed and nothing is known of any broker.
 */
import type { Io, Logger, Timer } from '@meridian/io';
import { BrokerError } from '../../errors.ts';
import type { Command } from '../commands.ts';
import { type BrokerConfigSources, brokerConfigNumber, brokerConfigValue } from '../configs/effective.ts';
import type { Controller } from '../controller.ts';
import type { SessionsView } from '../decide/decision.ts';
import type { BrokerInfo, MetadataImage } from '../image.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { BrokerSessions } from './broker-sessions.ts';

const SECOND_MS = 1_000;

export interface ActiveDutiesOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly nodeId: number;
  /** What is committed and applied. */
  readonly image: () => MetadataImage;
  readonly configSources: BrokerConfigSources;
  readonly submit: Controller['submit'];
}

export class ActiveDuties {
  /** For `DecideContext.sessions`. */
  readonly sessions: SessionsView;
  readonly #options: ActiveDutiesOptions;
  #known: BrokerSessions | undefined;
  /** Brokers with a command to fence them on its way. */
  readonly #fencing = new Set<number>();
  /** By what each is armed for. */
  readonly #timers = new Map<string, Timer>();

  constructor(options: ActiveDutiesOptions) {
    this.#options = options;
    const now = (): number => options.io.clock.monotonic();
    this.sessions = {
      isLive: (id, epoch) => this.#known?.isLive(id, epoch, now()) ?? false,
      metadataOffset: (id, epoch) => this.#known?.of(id, epoch)?.metadataOffset ?? -1,
      shutdownOffset: (id, epoch) => this.#known?.of(id, epoch)?.shutdownOffset,
    };
  }

  /** This node is active from now on: every broker gets a whole session. */
  begin(): void {
    this.end();
    const timeoutMs = Math.max(this.#number('broker.session.timeout.ms'), CONTROLLER_LIMITS.leastSessionMs);
    this.#known = new BrokerSessions({ timeoutMs, nodeId: this.#options.nodeId });
    this.#checkSessions();
    this.#balanceLater();
    this.#electUncleanlyLater();
  }

  end(): void {
    this.#known = undefined;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#fencing.clear();
  }

  /** To be called with every command that is submitted, before it is decided. */
  heard(command: Command): void {
    if (command.kind !== 'brokerHeartbeat') return;
    this.#known?.heard(this.#options.image(), command, this.#options.io.clock.monotonic());
  }

  /** The broker's process is gone: its connection was lost, and nobody listens where it did. */
  brokerLost(brokerId: number): void {
    const broker = this.#options.image().brokers.get(brokerId);
    if (this.#known === undefined || brokerId === this.#options.nodeId) return;
    this.#known.lost(brokerId);
    if (broker?.fenced === false) this.#fence(broker, 'its process is gone');
  }

  #checkSessions(): void {
    const { io, image } = this.#options;
    const nowMs = io.clock.monotonic();
    const known = this.#known!;
    for (const broker of known.expired(image(), nowMs)) this.#fence(broker, 'it has not been heard of');
    const delayMs = Math.max(known.nextCheckMs(nowMs) - nowMs, CONTROLLER_LIMITS.leastSessionCheckMs);
    this.#arm('sessions', delayMs, () => this.#checkSessions());
  }

  #fence({ id, epoch }: BrokerInfo, why: string): void {
    if (this.#fencing.has(id)) return;
    this.#fencing.add(id);
    const { log, submit } = this.#options;
    log.info('a broker is fenced', { brokerId: id, brokerEpoch: epoch, why });
    const done = submit({ kind: 'fenceBroker', brokerId: id, brokerEpoch: epoch });
    void done.catch((error) => this.#failed('fencing', error)).finally(() => this.#fencing.delete(id));
  }

  #balanceLater(): void {
    this.#arm('balance', this.#number('leader.imbalance.check.interval.seconds') * SECOND_MS, async () => {
      if (brokerConfigValue(this.#options.configSources, 'auto.leader.rebalance.enable') === 'true') {
        await this.#moveLeaders('preferred replicas lead again', 'balanceLeaders');
      }
      if (this.#timers.has('balance')) this.#balanceLater();
    });
  }

  #electUncleanlyLater(): void {
    this.#arm('unclean', this.#number('unclean.leader.election.interval.ms'), async () => {
      await this.#moveLeaders('leaders were elected uncleanly', 'electUncleanLeaders');
      if (this.#timers.has('unclean')) this.#electUncleanlyLater();
    });
  }

  /** Rounds until there is nothing left to move. */
  async #moveLeaders(what: string, kind: 'balanceLeaders' | 'electUncleanLeaders'): Promise<void> {
    const { log, submit } = this.#options;
    try {
      for (let goesOn = false; ; goesOn = true) {
        const { moved, more } = await submit(kind === 'balanceLeaders' ? { kind, goesOn } : { kind });
        if (moved > 0) log.info(what, { partitions: moved });
        if (!more || this.#known === undefined) break;
      }
    } catch (error) {
      this.#failed(kind, error);
    }
  }

  #arm(name: string, delayMs: number, run: () => void): void {
    this.#timers.get(name)?.cancel();
    this.#timers.set(name, this.#options.io.timers.after(delayMs, run));
  }

  #number(name: string): number {
    return brokerConfigNumber(this.#options.configSources, name);
  }

  /** Not to be active any more is what ends duties, and no news. */
  #failed(what: string, error: unknown): void {
    if (error instanceof BrokerError && (error.code === 'not-controller' || error.code === 'controller-closed')) return;
    this.#options.log.warn('a duty of the active controller was not done', { what, error: String(error) });
  }
}
