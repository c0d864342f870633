/**
 * The calls of a member of a classic consumer group, each to the coordinator that was found last; one that is not it any
 * more is looked for again at the next call.
 */
import type { Client } from '@meridian/client';
import {
  type Api,
  ERROR,
  FindCoordinator,
  OffsetCommit,
  OffsetFetch,
  type RequestInput,
  type ResponseOf,
} from '@meridian/protocol';
import { CLUSTER_LIMITS as LIMITS } from '../limits.ts';

const GROUP_KEY = 0;
/** Highest versions that go by a topic's name. */
const COMMIT_VERSION = 9;
const FETCH_VERSION = 9;

export interface OffsetOf {
  readonly topic: string;
  readonly index: number;
  readonly offset: number;
}

export class GroupCalls {
  readonly group: string;
  readonly #client: Client;
  #coordinator = -1;
  #last = -1;
  /** Another node coordinates than the one that was found before. */
  onMoved: () => void = () => {};

  constructor(client: Client, group: string) {
    this.#client = client;
    this.group = group;
  }

  async send<A extends Api>(api: A, body: RequestInput<A>, version?: number): Promise<ResponseOf<A>> {
    const to = await this.#find();
    const options = { timeoutMs: LIMITS.adminCallMs, ...(version !== undefined && { version }) };
    try {
      const answer = await this.#client.send(api, body, to, options);
      if (isMoved((answer as { errorCode?: number }).errorCode ?? ERROR.NONE)) this.#coordinator = -1;
      return answer;
    } catch (error) {
      this.#coordinator = -1;
      throw error;
    }
  }

  /** Error code of the first partition that was refused. */
  async commit(member: { memberId: string; generationId: number }, offsets: readonly OffsetOf[]): Promise<number> {
    const topics = offsets.map(({ topic, index, offset }) => ({
      name: topic,
      partitions: [{ partitionIndex: index, committedOffset: offset, committedMetadata: null }],
    }));
    const { memberId, generationId } = member;
    const body = { groupId: this.group, generationIdOrMemberEpoch: generationId, memberId, topics };
    const answer = await this.send(OffsetCommit, body, COMMIT_VERSION);
    const codes = answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
    const refused = codes.find((code) => code !== ERROR.NONE) ?? ERROR.NONE;
    if (isMoved(refused)) this.#coordinator = -1;
    return refused;
  }

  /** What is committed; −1: nothing. Undefined: could not be told now. */
  async committed(topic: string, index: number): Promise<number | undefined> {
    const topics = [{ name: topic, partitionIndexes: [index] }];
    const body = { groups: [{ groupId: this.group, topics }], requireStable: true };
    const answer = await this.send(OffsetFetch, body, FETCH_VERSION);
    const [found] = answer.groups;
    const partition = found?.topics[0]?.partitions[0];
    const errorCode = found?.errorCode || partition?.errorCode || ERROR.NONE;
    if (isMoved(errorCode)) this.#coordinator = -1;
    return errorCode === ERROR.NONE ? partition?.committedOffset : undefined;
  }

  async #find(): Promise<number> {
    if (this.#coordinator >= 0) return this.#coordinator;
    const body = { keyType: GROUP_KEY, coordinatorKeys: [this.group] };
    const answer = await this.#client.send(FindCoordinator, body, 'any', { timeoutMs: LIMITS.adminCallMs });
    const [found] = answer.coordinators;
    if (found === undefined || found.errorCode !== ERROR.NONE)
      throw new Error(`no coordinator: ${found?.errorCode} ${found?.errorMessage}`);
    this.#coordinator = found.nodeId;
    if (this.#last >= 0 && this.#last !== found.nodeId) this.onMoved();
    this.#last = found.nodeId;
    return found.nodeId;
  }
}

const isMoved = (errorCode: number): boolean =>
  errorCode === ERROR.NOT_COORDINATOR || errorCode === ERROR.COORDINATOR_NOT_AVAILABLE;
