/**
 * Sends the machine's requests to other nodes and brings their answers back as its inputs. Used by the quorum's shell.
 * Invariant: every request has exactly one outcome, an answer or `failed`, and none comes before the shell's step is over.
 */
import type { Io } from '@meridian/io';
import {
  type Api,
  BeginQuorumEpoch,
  EndQuorumEpoch,
  Fetch,
  FetchSnapshot,
  type RequestInput,
  UpdateRaftVoter,
  Vote,
} from '@meridian/protocol';
import type { QuorumInput } from '@meridian/quorum';
import type { Peers } from '../peers/peers.ts';
import { QUORUM_LIMITS } from './limits.ts';
import type { QuorumAddress } from './quorum-node.ts';
import type { SentRequest } from './raft-questions.ts';
import type { NodeEndpoint } from './raft-view.ts';
import { type Asking, questionOf, replyOf } from './raft-wire.ts';

export interface SenderOptions {
  readonly io: Io;
  readonly peers: Peers;
  asking(): Asking;
  input(input: QuorumInput): void;
  leaderTold(leader: NodeEndpoint, epoch: number): void;
  /** Nobody answered there. */
  missed(nodeId: number): void;
}

const APIS: Record<SentRequest['api'], Api> = {
  ...{ Vote, BeginQuorumEpoch, EndQuorumEpoch },
  ...{ Fetch, FetchSnapshot, UpdateRaftVoter },
};

/** Of these on: a pre-vote can be told from a vote; the metadata log goes by its id (Kafka refuses its name). */
const MIN_VERSIONS: Partial<Record<SentRequest['api'], number>> = { Vote: 2, Fetch: 13 };

/** A Fetch that waits at the leader must not hold up a vote. */
const purposeOf = ({ api }: SentRequest): string =>
  api === 'Fetch' || api === 'FetchSnapshot' ? 'quorum-fetch' : 'quorum';

export class RaftSender {
  readonly #options: SenderOptions;
  readonly #stopped = new AbortController();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  send(to: number, request: SentRequest, address: QuorumAddress | undefined): void {
    if (address === undefined) {
      this.#options.io.timers.defer(() => this.#failed(to, request));
      return;
    }
    void this.#exchange(to, request, address);
  }

  close(): void {
    this.#stopped.abort();
  }

  async #exchange(to: number, request: SentRequest, address: QuorumAddress): Promise<void> {
    const { peers, asking } = this.#options;
    const body = (version: number) => questionOf(request, version, asking()).body as RequestInput<Api>;
    const limits = { timeoutMs: this.#timeoutMs(request), minVersion: MIN_VERSIONS[request.api] ?? 0 };
    const { signal } = this.#stopped;
    let answer: { readonly body: unknown };
    try {
      answer = await peers.send(address, purposeOf(request), APIS[request.api], body, { ...limits, signal });
    } catch {
      // Whatever it was, the machine asks again; the log would only repeat what the peers' has.
      this.#options.missed(to);
      this.#failed(to, request);
      return;
    }
    this.#take(to, request, answer.body);
  }

  #take(to: number, request: SentRequest, body: unknown): void {
    const reply = replyOf(request, body);
    if (reply.kind === 'failed') return this.#failed(to, request);
    if (reply.leader !== undefined) this.#options.leaderTold(reply.leader, reply.response.epoch);
    this.#input({ kind: 'response', from: to, request, response: reply.response });
  }

  #failed(to: number, request: SentRequest): void {
    this.#input({ kind: 'failed', to, request });
  }

  #input(input: QuorumInput): void {
    if (!this.#stopped.signal.aborted) this.#options.input(input);
  }

  #timeoutMs(request: SentRequest): number {
    const waitMs = request.api === 'Fetch' ? request.maxWaitMs : 0;
    return waitMs + QUORUM_LIMITS.requestTimeoutMs;
  }
}
