/**
 * A controller for one partition, for tests of replication: elects leaders, decides on in-sync sets, fences brokers, and
 * tells each broker of it in order, but each in its own time. Made by `replica-set.ts`.
 * Invariant: an in-sync replica is only taken off the set while another one is left.
 */
import { type AlterPartition, ERROR, type RequestInput, type ResponseOf } from '@meridian/protocol';
import type { Leadership } from '../partition/leadership.ts';

export interface ClusterState extends Leadership {
  /** Epochs of the brokers, and whether they are fenced. */
  readonly brokers: ReadonlyMap<number, { readonly epoch: number; readonly fenced: boolean }>;
}

type Request = RequestInput<typeof AlterPartition>;
type Response = ResponseOf<typeof AlterPartition>;

export class ReplicaController {
  /** Everything that was ever so; the last is now. */
  readonly history: ClusterState[];
  onChange: () => void = () => {};
  #epochs = 100;

  constructor(replicas: readonly number[]) {
    const brokers = new Map(replicas.map((id) => [id, { epoch: this.#epochs++, fenced: false }]));
    const [leader = -1] = replicas;
    const none: readonly number[] = [];
    const [addingReplicas, removingReplicas] = [none, none];
    const epochs = { leaderEpoch: 0, partitionEpoch: 0 };
    this.history = [{ leader, ...epochs, replicas, isr: replicas, addingReplicas, removingReplicas, brokers }];
  }

  get state(): ClusterState {
    return this.history.at(-1)!;
  }

  /** Another one of the in-sync set leads; false if there is none. */
  moveLeader(to: number): boolean {
    const { isr, leader, leaderEpoch, brokers } = this.state;
    if (to === leader || !isr.includes(to) || brokers.get(to)!.fenced) return false;
    this.#change({ leader: to, leaderEpoch: leaderEpoch + 1 });
    return true;
  }

  fence(id: number): void {
    const { brokers, isr, leader, leaderEpoch } = this.state;
    const fenced = new Map(brokers).set(id, { ...brokers.get(id)!, fenced: true });
    const rest = isr.filter((each) => each !== id);
    const next = rest.find((each) => !fenced.get(each)!.fenced) ?? -1;
    const moved = leader === id ? { leader: next, leaderEpoch: leaderEpoch + 1 } : {};
    this.#change({ brokers: fenced, isr: rest.length > 0 ? rest : isr, ...moved });
  }

  /** A new process of the broker, which is not in sync any more unless nobody else is. */
  register(id: number): void {
    this.fence(id);
    const { brokers, isr, leader, leaderEpoch } = this.state;
    const registered = new Map(brokers).set(id, { epoch: this.#epochs++, fenced: false });
    const leads = leader === -1 && isr.includes(id);
    this.#change({ brokers: registered, ...(leads ? { leader: id, leaderEpoch: leaderEpoch + 1 } : {}) });
  }

  alterPartition({ brokerId, topics }: Request): Response {
    const [topic] = topics;
    const [asked] = topic!.partitions;
    const errorCode = this.#refusal(brokerId, asked!);
    if (errorCode === ERROR.NONE) this.#change({ isr: asked!.newIsrWithEpochs!.map((member) => member.brokerId) });
    const { leader: leaderId, leaderEpoch, partitionEpoch, isr } = this.state;
    const answer = { errorCode, leaderId, leaderEpoch, isr: [...isr], leaderRecoveryState: 0, partitionEpoch };
    return {
      throttleTimeMs: 0,
      errorCode: ERROR.NONE,
      topics: [{ topicId: topic!.topicId, partitions: [{ partitionIndex: 0, ...answer }] }],
    };
  }

  #refusal(brokerId: number, asked: Request['topics'][number]['partitions'][number]): number {
    const { leader, leaderEpoch, partitionEpoch, brokers } = this.state;
    if (leader !== brokerId || asked.leaderEpoch !== leaderEpoch) return ERROR.FENCED_LEADER_EPOCH;
    if (asked.partitionEpoch !== partitionEpoch) return ERROR.INVALID_UPDATE_VERSION;
    for (const member of asked.newIsrWithEpochs!) {
      const { epoch, fenced } = brokers.get(member.brokerId)!;
      if (fenced || (member.brokerEpoch! >= 0 && member.brokerEpoch !== epoch)) return ERROR.INELIGIBLE_REPLICA;
    }
    return ERROR.NONE;
  }

  #change(change: Partial<ClusterState>): void {
    this.history.push({ ...this.state, ...change, partitionEpoch: this.state.partitionEpoch + 1 });
    this.onChange();
  }
}
