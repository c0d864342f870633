/**
 * A node's controller over its part in the metadata quorum: keeps the image in step with what is committed, decides while
 * the node leads, and else knows who does. One per process, made by `startController`.
 *
 *     what the quorum tells  | what happens
 *     committed, snapshot    | image, listeners, then the answers that waited for it
 *     leads(epoch, start)    | remembered; once `start` has been applied, an `ActiveController` begins
 *     ledNoMore              | the `ActiveController` ends: everything that waits is refused
 *     failed                 | everything is refused, and the process is told to end
 */
import type { Io, Logger } from '@meridian/io';
import type { MetadataRecord } from '@meridian/protocol';
import { BrokerError } from '../errors.ts';
import type {
  CommittedBatch,
  CommittedSnapshot,
  QuorumDescription,
  QuorumListener,
  QuorumNode,
} from '../quorum/quorum-node.ts';
import { ActiveController } from './active-controller.ts';
import type { Command, CreateTopics, CreateTopicsResult, ProducerIdBlock, ResultOf } from './commands.ts';
import type { BrokerConfigSources } from './configs/effective.ts';
import type { Controller } from './controller.ts';
import type { DecideContext } from './decide/decision.ts';
import { ActiveDuties } from './duties/active-duties.ts';
import { epochRecords } from './epoch-records.ts';
import type { MetadataImage } from './image.ts';
import { imageHash } from './image-hash.ts';
import { CONTROLLER_LIMITS } from './limits.ts';
import { MetadataLoader } from './metadata-loader.ts';
import { ProducerIds } from './producer-ids.ts';
import { type SnapshotSettings, SnapshotWriter } from './snapshot-writer.ts';
import { asMetadataError } from './unreadable-metadata.ts';

/** What a node that is not active asks of the one that is. */
export interface RemoteController {
  /** Resolves when the local image shows what was created, or a while later. */
  createTopics(command: CreateTopics): Promise<CreateTopicsResult>;
  /** A block that is durably ours. */
  allocateProducerIds(): Promise<ProducerIdBlock>;
}

export interface QuorumControllerOptions {
  readonly io: Io;
  readonly log: Logger;
  readonly quorum: QuorumNode;
  readonly clusterId: string;
  /** Of the data folder (uuid text). */
  readonly directoryId: string;
  readonly context: Omit<DecideContext, 'sessions'>;
  readonly snapshots: SnapshotSettings;
}

export class QuorumController implements Controller, QuorumListener {
  readonly directoryId: string;
  readonly configSources: BrokerConfigSources;
  /** Nothing can be decided or followed any more, and the process should end. */
  onFailure: (error: BrokerError) => void = () => {};
  /** Another node decides, or nobody (−1). */
  onLeaderChange: (leaderId: number) => void = () => {};
  /** This node decides from now on. */
  onActive: () => void = () => {};
  /** Set once there is a way to other nodes. */
  remote: RemoteController | undefined;
  readonly #options: QuorumControllerOptions;
  readonly #context: DecideContext;
  readonly #duties: ActiveDuties;
  readonly #loader: MetadataLoader;
  readonly #snapshots: SnapshotWriter;
  readonly #producerIds: ProducerIds;
  /** This node leads, whether or not it decides already. */
  #lead: { readonly epoch: number; readonly epochStart: number } | undefined;
  #active: ActiveController | undefined;
  #refusal: BrokerError | undefined;
  #caughtUp: PromiseWithResolvers<void> | undefined;
  /** What was committed when a leader first told. */
  #catchUpTo = -1;

  constructor(options: QuorumControllerOptions) {
    const { io, log, quorum, clusterId, context } = options;
    this.#options = options;
    this.#loader = new MetadataLoader(clusterId);
    this.#snapshots = new SnapshotWriter({ io, log, quorum, loader: this.#loader, settings: options.snapshots });
    this.directoryId = options.directoryId;
    const { nodeId, staticConfigs } = context;
    this.configSources = { image: this.image, nodeId, staticConfigs };
    this.#duties = new ActiveDuties({
      ...{ io, log, nodeId, configSources: this.configSources },
      image: () => this.image,
      submit: (command) => this.submit(command),
    });
    this.#context = { ...context, sessions: this.#duties.sessions };
    this.#producerIds = new ProducerIds(() => this.#allocateProducerIds());
  }

  get image(): MetadataImage {
    return this.#loader.image;
  }

  get isActive(): boolean {
    return this.#active !== undefined;
  }

  activeId(): number {
    return this.image.controllerId;
  }

  imageHash(): string {
    return imageHash(this.image);
  }

  onChange(listener: (delta: readonly MetadataRecord[]) => void | Promise<void>): () => void {
    return this.#loader.onChange(listener);
  }

  submit<C extends Command>(command: C): Promise<ResultOf<C>> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    if (this.#active !== undefined) {
      this.#duties.heard(command);
      return this.#active.submit(command);
    }
    if (command.kind === 'createTopics' && this.remote !== undefined) {
      return this.remote.createTopics(command) as Promise<ResultOf<C>>;
    }
    return Promise.reject(new BrokerError('not-controller', `node ${this.#options.quorum.self.id}`));
  }

  /** A broker's process is gone: nobody listens where it did. */
  brokerLost(brokerId: number): void {
    if (this.#active !== undefined) this.#duties.brokerLost(brokerId);
  }

  nextProducerId(): Promise<number> {
    return this.#producerIds.next();
  }

  quorum(): QuorumDescription {
    return this.#options.quorum.describe();
  }

  whenCaughtUp(): Promise<void> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    if (this.#caughtUp === undefined) {
      this.#caughtUp = Promise.withResolvers();
      this.#lookHowFar();
    }
    return this.#caughtUp.promise;
  }

  committed(batch: CommittedBatch): void | Promise<void> {
    return this.#follow(() => this.#loader.apply(batch), batch.baseOffset);
  }

  snapshot(snapshot: CommittedSnapshot): void | Promise<void> {
    return this.#follow(() => this.#loader.replace(snapshot), snapshot.endOffset);
  }

  leaderChanged(leaderId: number, epoch: number): void {
    this.#loader.image.controllerId = leaderId;
    const message = leaderId < 0 ? 'the quorum has no leader for now' : 'the quorum has a leader';
    this.#options.log.info(message, { leaderId, epoch });
    this.onLeaderChange(leaderId);
  }

  leads(epoch: number, epochStart: number): void {
    this.#lead = { epoch, epochStart };
    this.#activate();
  }

  ledNoMore(): void {
    this.#lead = undefined;
    this.#deactivate(new BrokerError('not-controller', 'the lead is lost'));
  }

  failed(error: BrokerError): void {
    if (this.#refusal?.code === error.code) return;
    this.#refusal = error;
    this.#lead = undefined;
    this.#deactivate(error);
    this.#caughtUp?.reject(error);
    this.#options.log.error('the controller stops', { error: error.message });
    this.onFailure(error);
  }

  /** Finishes what was taken and hands the lead over; commands are refused from here on. */
  async resign(): Promise<void> {
    const { io, quorum } = this.#options;
    if (this.#refusal !== undefined) return;
    this.#refusal = new BrokerError('controller-closed', 'command refused');
    if (this.#active !== undefined) {
      await Promise.race([this.#active.drain(this.#refusal), io.timers.sleep(CONTROLLER_LIMITS.drainMs)]);
    }
    this.#lead = undefined;
    this.#deactivate(this.#refusal);
    await quorum.resign();
  }

  /** After it nothing is followed any more, and the metadata log is closed. */
  async close(): Promise<void> {
    await this.resign();
    await this.#options.quorum.close(this.#refusal?.code === 'controller-closed');
  }

  #follow(apply: () => void | Promise<void>, offset: number): void | Promise<void> {
    if (this.#refusal !== undefined && this.#refusal.code !== 'controller-closed') return;
    const fail = (error: unknown): void => this.failed(asMetadataError(error, `metadata at offset ${offset}`));
    try {
      const following = apply();
      if (following !== undefined) return following.then(() => this.#applied()).catch(fail);
      this.#applied();
    } catch (error) {
      fail(error);
    }
  }

  #applied(): void {
    this.#activate();
    this.#active?.applied(this.#loader.appliedEnd);
    this.#snapshots.consider();
    if (this.#caughtUp !== undefined) this.#noteProgress();
  }

  /** Decisions rest on all that earlier leaders have committed: that is known once this one's first record is applied. */
  #activate(): void {
    const lead = this.#lead;
    if (lead === undefined || this.#active !== undefined || this.#refusal !== undefined) return;
    if (this.#loader.appliedEnd <= lead.epochStart) return;
    const { io, quorum, log } = this.#options;
    const ahead = this.#loader.image.copy();
    const onFailure = (error: BrokerError): void => this.failed(error);
    const given = { timers: io.timers, quorum, epoch: lead.epoch, ahead, context: this.#context, onFailure };
    const active = new ActiveController(given);
    this.#active = active;
    log.info('this node is the active controller', { epoch: lead.epoch });
    active.begin(epochRecords(ahead, this.#loader.isInTransaction, this.#context));
    if (this.#active !== active) return;
    this.#duties.begin();
    this.onActive();
  }

  #deactivate(reason: BrokerError): void {
    const active = this.#active;
    this.#active = undefined;
    this.#duties.end();
    active?.end(reason);
  }

  async #allocateProducerIds(): Promise<ProducerIdBlock> {
    if (this.#active === undefined && this.remote !== undefined) return this.remote.allocateProducerIds();
    const block = await this.submit({ kind: 'allocateProducerIds', brokerId: this.#context.nodeId });
    if (block.errorCode === 0) return block;
    throw new BrokerError('no-producer-ids', `error ${block.errorCode}`);
  }

  /** Until it has caught up; the quorum does not say when it hears of a high watermark that was reached before. */
  #lookHowFar(): void {
    if (this.#noteProgress() || this.#refusal !== undefined) return;
    this.#options.io.timers.after(CONTROLLER_LIMITS.catchUpCheckMs, () => this.#lookHowFar());
  }

  #noteProgress(): boolean {
    const { quorum } = this.#options;
    if (this.#catchUpTo < 0) this.#catchUpTo = quorum.leaderHighWatermark;
    const isCaughtUp = this.#catchUpTo >= 0 && this.#loader.appliedEnd >= this.#catchUpTo;
    if (isCaughtUp) this.#caughtUp?.resolve();
    return isCaughtUp;
  }
}
