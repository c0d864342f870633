/**
 * Opens a node's part in the quorum: metadata log, snapshots and `quorum-state` as the last life left them, and a machine
 * that knows them. Called once by the node's start.
 * Invariant: nothing is sent or answered before `start`.
 */
import type { Io, Logger } from '@meridian/io';
import { createQuorum, type QuorumSettings, type ReplicaKey, UNKNOWN_DIRECTORY, type Voter } from '@meridian/quorum';
import { BrokerError } from '../errors.ts';
import type { Peers } from '../peers/peers.ts';
import { RECONFIGURABLE } from './control-batches.ts';
import { QUORUM_LIMITS } from './limits.ts';
import { type OpenedStore, openMetadataStore } from './metadata-store.ts';
import { NodeAddresses } from './node-addresses.ts';
import type { QuorumAddress, QuorumNode } from './quorum-node.ts';
import { QuorumShell } from './quorum-shell.ts';
import { hasForgotten, noteForgotten, readQuorumState } from './quorum-state-file.ts';
import { RaftSender } from './raft-sender.ts';
import { RaftService } from './raft-service.ts';
import type { RaftView } from './raft-view.ts';
import type { Asking } from './raft-wire.ts';

export interface ConfiguredVoter extends QuorumAddress {
  readonly id: number;
  /** Canonical uuid text. */
  readonly directoryId?: string | undefined;
}

export interface QuorumNodeOptions {
  readonly io: Io;
  readonly log: Logger;
  /** `<data folder>/__cluster_metadata-0`. */
  readonly folder: string;
  readonly clusterId: string;
  readonly self: ReplicaKey;
  /** Whether it may be elected; a broker alone only observes. */
  readonly isController: boolean;
  /** Who begins the quorum, and where nodes are looked for; at least one. */
  readonly voters: readonly ConfiguredVoter[];
  /** Of the listener on which controllers find each other. */
  readonly listenerName: string;
  /** Where this node's is found; asked when it is needed. */
  readonly endpoint: () => QuorumAddress;
  readonly peers: Peers;
  readonly settings?: Partial<QuorumSettings> | undefined;
}

/** Kafka's defaults. */
const SETTINGS: QuorumSettings = {
  electionTimeoutMs: 1_000,
  fetchTimeoutMs: 2_000,
  fetchMaxWaitMs: 500,
  retryBackoffMs: 20,
};

/** Throws BrokerError `folder-corrupt`, `folder-newer`, `quorum-state-damaged`, or errors of disk and log. */
export function openQuorumNode(options: QuorumNodeOptions): QuorumNode {
  const { io, log, folder, self } = options;
  const opened = openMetadataStore({
    io,
    log,
    folder,
    nodeId: self.id,
    bootstrapVoters: () => bootstrapVoters(options),
  });
  const quorum = machineOf(options, opened);
  const { store } = opened;
  const addresses = new NodeAddresses(options.listenerName, options.voters);
  const asking = (): Asking => ({
    clusterId: options.clusterId,
    endpoints: [{ name: options.listenerName, ...options.endpoint() }],
    maxBytes: QUORUM_LIMITS.fetchBytes,
  });
  const view = (): RaftView => {
    const { epoch, leaderId } = quorum;
    const leaderEndpoint = leaderId === self.id ? options.endpoint() : addresses.of(leaderId, quorum);
    return { clusterId: options.clusterId, self, epoch, leaderId, leaderEndpoint, listenerName: options.listenerName };
  };
  const { peers } = options;
  return new QuorumShell({
    ...{ io, log, folder, quorum, store, addresses },
    ownVoter: () => (options.isController ? ownVoter(options) : undefined),
    makeSender: (input) =>
      new RaftSender({
        ...{ io, peers, asking, input },
        leaderTold: (leader, epoch) => addresses.leaderTold(leader, epoch),
        missed: (nodeId) => addresses.missed(nodeId),
      }),
    makeService: (shell) =>
      new RaftService({ quorum, store, addresses, peers, view, input: (input) => shell.input(input) }),
  });
}

function machineOf(options: QuorumNodeOptions, { found }: OpenedStore) {
  const { io, self, folder } = options;
  const { books: log, recorded, bootstrap } = found;
  const stored = readQuorumState(io.disk, folder);
  const election = stored ?? { epoch: 0, leaderId: -1 };
  const settings = { ...SETTINGS, ...options.settings };
  const configured = bootstrap ?? options.voters.map((voter) => voterOf(voter, options, 0));
  if (recorded.length === 0 && bootstrap === undefined) refuseOtherVoters(options, found.lastVoterIds);
  const isAlone = (recorded.at(-1)?.voters ?? configured).length === 1;
  if (stored === undefined && options.isController && !isAlone) {
    if (log.endOffset > 0) options.log.warn('quorum-state is missing: no vote before a leader is heard', { folder });
    noteForgotten(io.disk, folder);
  }
  const more = {
    hasForgotten: hasForgotten(io.disk, folder),
    configured,
    recorded,
    isBootstrap: bootstrap !== undefined,
  };
  const random = () => io.random.next();
  return createQuorum({ self, settings, random, log, election, ...more }, io.clock.monotonic());
}

/** At `kraft.version` 0 nobody but the config says who votes: nodes that differ about it could elect two leaders. */
function refuseOtherVoters({ voters, folder }: QuorumNodeOptions, lastIds: readonly number[] | undefined): void {
  if (lastIds === undefined) return;
  const textOf = (ids: readonly number[]): string => ids.toSorted((a, b) => a - b).join(', ');
  const [last, now] = [textOf(lastIds), textOf(voters.map(({ id }) => id))];
  if (last === now) return;
  const detail = `${folder} is of kraft.version 0, where voters cannot change: they were ${last}, the config says ${now}`;
  throw new BrokerError('config-invalid', detail);
}

/** Of a new folder: those that are configured, if all have directories and this one is among them. */
function bootstrapVoters(options: QuorumNodeOptions): Voter[] | undefined {
  const { voters, self, isController } = options;
  const isKnown = voters.every(({ directoryId }) => directoryId !== undefined);
  const isOurs = voters.some(({ id, directoryId }) => id === self.id && directoryId === self.directoryId);
  if (!isController || !isKnown || !isOurs) return undefined;
  return voters.map((voter) => voterOf(voter, options, RECONFIGURABLE));
}

function voterOf(
  { id, host, port, directoryId = UNKNOWN_DIRECTORY }: ConfiguredVoter,
  { listenerName }: QuorumNodeOptions,
  maxKraftVersion: number,
): Voter {
  return { id, directoryId, endpoints: [{ name: listenerName, host, port }], minKraftVersion: 0, maxKraftVersion };
}

function ownVoter(options: QuorumNodeOptions): Voter {
  return voterOf({ ...options.self, ...options.endpoint() }, options, RECONFIGURABLE);
}
