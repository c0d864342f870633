/**
 * The quorum's RPCs as they come in: each is refused, or put to the machine and answered when it answers. Used by the
 * quorum's shell, behind `QuorumNode.handle`.
 * Invariant: every request is answered exactly once, with BROKER_NOT_AVAILABLE if this node stops before it can.
 */
import { ApiVersions } from '@meridian/protocol';
import type {
  FetchResponse,
  FetchSnapshotRequest,
  Quorum,
  QuorumInput,
  RaftRequest,
  RaftResponse,
} from '@meridian/quorum';
import type { Peers } from '../peers/peers.ts';
import { QUORUM_LIMITS } from './limits.ts';
import type { MetadataStore } from './metadata-store.ts';
import type { NodeAddresses } from './node-addresses.ts';
import type { FetchedLog } from './raft-answers.ts';
import type { AskedVoter } from './raft-requests.ts';
import type { RaftView } from './raft-view.ts';
import { addVoterRequest, answerOf, refusalAnswer, takeRequest } from './raft-wire.ts';

export interface ServiceOptions {
  readonly quorum: Quorum;
  readonly store: MetadataStore;
  readonly addresses: NodeAddresses;
  readonly peers: Peers;
  view(): RaftView;
  input(input: QuorumInput): void;
}

const CHANGES: ReadonlySet<RaftRequest['api']> = new Set(['AddRaftVoter', 'RemoveRaftVoter', 'UpdateRaftVoter']);
const NO_LOG: FetchedLog = { records: [], logStartOffset: -1 };

export class RaftService {
  /** Voters change at another leader; votes and the next leader's word are still heard. */
  isStopping = false;
  #isClosed = false;
  readonly #options: ServiceOptions;
  readonly #waiting = new Set<RaftAsker>();
  readonly #started: Promise<void>;
  #start: () => void = () => {};

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#started = new Promise((resolve) => {
      this.#start = resolve;
    });
  }

  /** Requests that came before are worked off now. */
  start(): void {
    this.#start();
  }

  async handle(api: RaftRequest['api'], body: unknown, version: number): Promise<unknown> {
    await this.#started;
    const view = this.#options.view();
    if (this.#isClosed || (this.isStopping && CHANGES.has(api))) return this.#unavailable(api, version);
    const taken = takeRequest(api, body, view, QUORUM_LIMITS.changeTimeoutMs);
    if (taken.kind === 'addVoter') return this.#ask(api, version, body, await this.#withLevels(taken));
    if (taken.kind !== 'request') return refusalAnswer(api, taken, version, view);
    if (taken.leader !== undefined && 'epoch' in taken.request) {
      this.#options.addresses.leaderTold(taken.leader, taken.request.epoch);
    }
    return this.#ask(api, version, body, taken.request);
  }

  /** Whoever waits is told that it is over. */
  close(): void {
    this.#isClosed = true;
    this.#start();
    for (const asker of this.#waiting) asker.give(this.#unavailable(asker.api, asker.version));
  }

  #unavailable(api: RaftRequest['api'], version: number): unknown {
    return refusalAnswer(api, { kind: 'refused', error: 'BROKER_NOT_AVAILABLE' }, version, this.#options.view());
  }

  #ask(api: RaftRequest['api'], version: number, body: unknown, request: RaftRequest): Promise<unknown> {
    return new Promise((resolve) => {
      if (this.#isClosed) return resolve(this.#unavailable(api, version));
      const asker = new RaftAsker(this.#options, { api, version, maxBytes: maxBytesOf(body) }, (answer) => {
        this.#waiting.delete(asker);
        resolve(answer);
      });
      this.#waiting.add(asker);
      this.#options.input({ kind: 'request', from: asker, request });
    });
  }

  /** Which levels of `kraft.version` the new voter can run, asked at its endpoint. */
  async #withLevels(asked: AskedVoter): Promise<RaftRequest> {
    const { addresses, peers } = this.#options;
    const address = addresses.endpointOf(asked.voter);
    if (address === undefined) return addVoterRequest(asked, undefined);
    const names = { clientSoftwareName: 'meridian', clientSoftwareVersion: '1' };
    const limits = { timeoutMs: QUORUM_LIMITS.askTimeoutMs, minVersion: 3 };
    try {
      const { body } = await peers.send(address, 'quorum', ApiVersions, names, limits);
      const range = body.supportedFeatures.find(({ name }) => name === 'kraft.version');
      return addVoterRequest(asked, { min: range?.minVersion ?? 0, max: range?.maxVersion ?? 0 });
    } catch {
      return addVoterRequest(asked, undefined); // the machine says so in its answer
    }
  }
}

interface Asked {
  readonly api: RaftRequest['api'];
  readonly version: number;
  readonly maxBytes: number;
}

/** One that waits for an answer of the machine. */
export class RaftAsker {
  readonly api: RaftRequest['api'];
  readonly version: number;
  readonly give: (answer: unknown) => void;
  readonly #options: ServiceOptions;
  readonly #maxBytes: number;

  constructor(options: ServiceOptions, { api, version, maxBytes }: Asked, give: (answer: unknown) => void) {
    this.#options = options;
    this.api = api;
    this.version = version;
    this.#maxBytes = maxBytes;
    this.give = give;
  }

  answer(response: RaftResponse): void {
    const { store } = this.#options;
    const fetched = response.api === 'Fetch' ? { records: [], logStartOffset: store.log.startOffset } : NO_LOG;
    this.give(answerOf(response, this.version, this.#options.view(), fetched));
  }

  answerFetch(response: FetchResponse, from: number): void {
    const { store, quorum } = this.#options;
    const { startOffset: logStartOffset } = store.log;
    // The log was shortened while the fetch waited.
    if (from < logStartOffset) return this.answer({ ...response, snapshot: quorum.log.snapshot });
    const records = store.readFrom(from, this.#maxBytes);
    this.give(answerOf(response, this.version, this.#options.view(), { records, logStartOffset }));
  }

  answerSnapshot({ snapshot, position }: FetchSnapshotRequest, epoch: number): void {
    const { store, quorum } = this.#options;
    const empty = { sizeInBytes: 0, bytes: new Uint8Array(0) };
    const place = { api: 'FetchSnapshot', epoch, leaderId: quorum.self.id, snapshot, position } as const;
    store.snapshots.piece(snapshot, position, this.#maxBytes).then(
      (piece) => {
        if (piece === undefined) this.answer({ ...place, ...empty, error: 'SNAPSHOT_NOT_FOUND' });
        else this.answer({ ...place, ...piece, error: piece.bytes.length > 0 ? 'NONE' : 'POSITION_OUT_OF_RANGE' });
      },
      // Whoever asks begins anew; a disk that fails is found out where the log is written.
      () => this.answer({ ...place, ...empty, error: 'SNAPSHOT_NOT_FOUND' }),
    );
  }
}

function maxBytesOf(body: unknown): number {
  const { maxBytes } = body as { maxBytes?: number };
  return typeof maxBytes === 'number' ? Math.max(1, maxBytes) : QUORUM_LIMITS.fetchBytes;
}
