/**
 * What administrators do to a region while it runs: leaders are moved, replicas reassigned, configs changed, topics made
 * and deleted, voters removed and added. Each call is made once; whether it came to its end is for nobody to rely on.
 * Invariant: nothing of it may make a promise void: promised topics keep two in-sync replicas at least, and their name.
 */
import type { Client } from '@meridian/client';
import type { Io, Random } from '@meridian/io';
import { below, chance } from '@meridian/io/sim';
import {
  AddRaftVoter,
  AlterPartitionReassignments,
  type Api,
  DeleteTopics,
  DescribeQuorum,
  ElectLeaders,
  ERROR,
  IncrementalAlterConfigs,
  RemoveRaftVoter,
  type RequestInput,
  type ResponseOf,
  ZERO_UUID,
} from '@meridian/protocol';
import { CLUSTER_LIMITS as LIMITS } from '../limits.ts';
import type { NodeSlot } from '../node-slot.ts';
import { pick, type TopicPlan, uuidText } from '../plan.ts';

const PREFERRED = 0;
const TOPIC = 2;
const SET = 0;
const CONTROLLER_PORT = 9093;
const QUORUM = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];

export interface ChurnOptions {
  readonly io: Io;
  readonly client: Client;
  readonly random: Random;
  readonly brokerIds: readonly number[];
  readonly clusterId: string;
  trace(line: string): void;
}

export class Churn {
  readonly #options: ChurnOptions;
  #topics = 0;
  #underWay = 0;
  /** Voters that were removed or added. */
  votersChanged = 0;
  /** Topics that came and went. */
  #leftOver = new Set<string>();
  /** Removed from the voters, to be added again. */
  #removed: (() => Promise<void>) | undefined;

  constructor(options: ChurnOptions) {
    this.#options = options;
  }

  /** Calls that have not been answered. */
  get underWay(): number {
    return this.#underWay;
  }

  electPreferred(): void {
    this.#do('elect preferred leaders', () =>
      this.#send(ElectLeaders, { electionType: PREFERRED, topicPartitions: null, timeoutMs: LIMITS.adminCallMs }),
    );
  }

  /** The replicas in another order, and then the first of them as the leader. */
  moveLeader(topic: string): void {
    this.#do(`move the leader of ${topic}`, async () => {
      await this.#reassign(topic, () => shuffled(this.#options.random, this.#options.brokerIds));
      const topicPartitions = [{ topic, partitions: [0] }];
      return this.#send(ElectLeaders, { electionType: PREFERRED, topicPartitions, timeoutMs: LIMITS.adminCallMs });
    });
  }

  /** To two replicas, to three again, or given up on the way. */
  reassign(topic: string): void {
    const { random, brokerIds } = this.#options;
    this.#do(`reassign ${topic}`, () => {
      if (chance(random, 0.15)) return this.#reassign(topic, () => null);
      return this.#reassign(topic, () => shuffled(random, brokerIds).slice(0, chance(random, 0.5) ? 2 : 3));
    });
  }

  changeConfig({ name, isPromised }: TopicPlan): void {
    const { random } = this.#options;
    const choices: [string, string][] = [
      ['internal.segment.bytes', pick(random, ['2800', '4096', '1048576'])],
      ['index.interval.bytes', pick(random, ['1', '4096'])],
      ['min.insync.replicas', isPromised ? pick(random, ['2', '2', '3']) : pick(random, ['1', '2'])],
    ];
    this.#do(`config of ${name}`, () => this.#setConfig(name, ...pick(random, choices)));
  }

  createAndDelete(): void {
    const { random, client } = this.#options;
    const name = `passing-${++this.#topics}`;
    const numPartitions = 1 + below(random, 3);
    this.#leftOver.add(name);
    this.#do(`topic ${name}`, async () => {
      await client.createTopics([{ name, numPartitions, replicationFactor: 3 }], { timeoutMs: LIMITS.adminCallMs });
      if (chance(random, 0.7)) await this.#delete(name);
    });
  }

  /** Removes a voter, and adds it again some time later. */
  changeVoters({ plan }: NodeSlot): false | (() => void) {
    const { directoryId } = plan;
    if (this.#removed !== undefined || directoryId === undefined) return false;
    const voterDirectoryId = uuidText(directoryId);
    const { clusterId } = this.#options;
    this.#removed = async () => {
      const listeners = [{ name: 'INTERNAL', host: plan.host, port: CONTROLLER_PORT }];
      const voter = { clusterId, timeoutMs: LIMITS.adminCallMs, voterId: plan.id, voterDirectoryId, listeners };
      const answer = await this.#send(AddRaftVoter, voter);
      if (answer.errorCode === ERROR.NONE) this.votersChanged++;
      if (await this.#votes(plan.id)) this.#removed = undefined;
    };
    this.#do(`remove voter ${plan.id}`, async () => {
      const answer = await this.#send(RemoveRaftVoter, { clusterId, voterId: plan.id, voterDirectoryId });
      if (answer.errorCode === ERROR.NONE) this.votersChanged++;
    });
    return () => {
      const add = this.#removed;
      if (add !== undefined) this.#do(`add voter ${plan.id}`, add);
    };
  }

  /** Makes good what the storm may have left: three replicas each, two of them in sync, no passing topics, all voters. */
  async settle(topics: readonly TopicPlan[]): Promise<void> {
    for (const { name, isPromised } of topics) {
      await this.#untilDone(`config of ${name}`, () =>
        this.#setConfig(name, 'min.insync.replicas', isPromised ? '2' : '1'),
      );
      await this.#untilDone(`replicas of ${name}`, () => this.#reassign(name, () => [...this.#options.brokerIds]));
    }
    for (const name of this.#leftOver) await this.#untilDone(`delete ${name}`, () => this.#delete(name));
    const add = this.#removed;
    if (add !== undefined) await this.#untilDone('add the voter', add);
    if (this.#removed !== undefined) this.#options.trace('a voter is missing still');
  }

  get isVoterMissing(): boolean {
    return this.#removed !== undefined;
  }

  async #votes(id: number): Promise<boolean> {
    const answer = await this.#send(DescribeQuorum, { topics: QUORUM });
    return answer.topics.some(({ partitions }) =>
      partitions.some(({ currentVoters }) => currentVoters.some(({ replicaId }) => replicaId === id)),
    );
  }

  async #delete(name: string): Promise<void> {
    const topics = [{ name, topicId: ZERO_UUID }];
    await this.#send(DeleteTopics, { topics, timeoutMs: LIMITS.adminCallMs });
  }

  #setConfig(name: string, config: string, value: string) {
    const configs = [{ name: config, configOperation: SET, value }];
    const resources = [{ resourceType: TOPIC, resourceName: name, configs }];
    return this.#send(IncrementalAlterConfigs, { resources, validateOnly: false });
  }

  async #reassign(topic: string, replicasOf: () => number[] | null) {
    const view = await this.#options.client.metadata([topic], { timeoutMs: LIMITS.adminCallMs });
    const partitions = view.topics.get(topic)?.partitions ?? [];
    return this.#send(AlterPartitionReassignments, {
      timeoutMs: LIMITS.adminCallMs,
      topics: [
        { name: topic, partitions: partitions.map(({ index }) => ({ partitionIndex: index, replicas: replicasOf() })) },
      ],
    });
  }

  #send<A extends Api>(api: A, body: RequestInput<A>): Promise<ResponseOf<A>> {
    return this.#options.client.send(api, body, 'any', { timeoutMs: LIMITS.adminCallMs });
  }

  #do(what: string, call: () => Promise<unknown>): void {
    const { trace } = this.#options;
    trace(`admin: ${what}`);
    this.#underWay++;
    call()
      .catch((error: Error) => trace(`admin: ${what} failed: ${error.message}`))
      .finally(() => this.#underWay--);
  }

  async #untilDone(what: string, call: () => Promise<unknown>): Promise<void> {
    const { io, trace } = this.#options;
    for (;;) {
      try {
        const answer = (await call()) as { errorCode?: number; responses?: { errorCode?: number }[] } | undefined;
        const codes = [answer?.errorCode, ...(answer?.responses ?? []).map(({ errorCode }) => errorCode)];
        if (codes.every((code) => !code)) return;
        trace(`admin: ${what} was refused: ${codes}`);
      } catch (error) {
        trace(`admin: ${what} failed: ${(error as Error).message}`);
      }
      await io.timers.sleep(LIMITS.retryMs);
    }
  }
}

function shuffled(random: Random, ids: readonly number[]): number[] {
  const left = [...ids];
  return ids.map(() => left.splice(below(random, left.length), 1)[0]!);
}
