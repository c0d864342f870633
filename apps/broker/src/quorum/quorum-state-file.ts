/**
 * `quorum-state`, beside the metadata log: in which epoch this node is, who leads it, and whom the node has voted for, in
 * one line of JSON as Apache Kafka writes it. Called by the shell of the quorum: read once at the start, written by every
 * `persist` effect before the next effect is performed.
 * Invariant: a file that cannot be read is never taken for none, for who forgets a vote votes twice.
 */
import { join } from 'node:path';
import type { Disk } from '@meridian/io';
import { uuidFromBase64, uuidToBase64 } from '@meridian/protocol';
import { type ElectionState, type ReplicaKey, UNKNOWN_DIRECTORY } from '@meridian/quorum';
import { BrokerError } from '../errors.ts';
import { QUORUM_LIMITS } from './limits.ts';

const FILE = 'quorum-state';
const FORGOTTEN = 'quorum-state.forgotten';
/** Written since Kafka 3.9: with the directory of who got the vote. */
const DATA_VERSION = 1;
const NOBODY = -1;
const MAX_INT32 = 2_147_483_647;

/** Undefined if this node has never taken part. Throws `quorum-state-damaged`, or `folder-newer`. */
export function readQuorumState(disk: Disk, folder: string): ElectionState | undefined {
  const path = join(folder, FILE);
  if (!disk.exists(path)) return undefined;
  if (disk.stat(path).size > QUORUM_LIMITS.quorumStateBytes) throw damaged(path, 'is too long');
  const state = parse(path, disk.readFile(path).toString('utf8'));
  const version = whole(path, state, 'data_version', 0);
  if (version > DATA_VERSION) {
    throw new BrokerError('folder-newer', `${path} has data_version ${version}, known here is ${DATA_VERSION}`);
  }
  const epoch = whole(path, state, 'leaderEpoch', 0);
  const leaderId = whole(path, state, 'leaderId', NOBODY);
  const votedId = whole(path, state, 'votedId', NOBODY);
  const directoryId = version === 0 ? UNKNOWN_DIRECTORY : directoryOf(path, state);
  return { epoch, leaderId, voted: votedId === NOBODY ? undefined : { id: votedId, directoryId } };
}

/** Durable when it returns. */
export function writeQuorumState(disk: Disk, folder: string, state: ElectionState): void {
  disk.replaceFile(join(folder, FILE), Buffer.from(quorumStateText(state)));
}

/**
 * Whether this node may have voted and does not know it: its disk was new when it last came up, and it has not heard of a
 * leader since. Ours alone; Kafka would vote again.
 */
export const hasForgotten = (disk: Disk, folder: string): boolean => disk.exists(join(folder, FORGOTTEN));

/** Durable when it returns. */
export function noteForgotten(disk: Disk, folder: string): void {
  disk.replaceFile(join(folder, FORGOTTEN), Buffer.alloc(0));
}

/** Durable when it returns: a crash that brought the note back might leave too few who vote. */
export function noteRemembered(disk: Disk, folder: string): void {
  if (!hasForgotten(disk, folder)) return;
  disk.remove(join(folder, FORGOTTEN));
  disk.syncFolder(folder);
}

/** In Kafka's order of fields, and without a line's end. */
export function quorumStateText({ epoch, leaderId, voted }: ElectionState): string {
  const { id, directoryId }: ReplicaKey = voted ?? { id: NOBODY, directoryId: UNKNOWN_DIRECTORY };
  const votedDirectoryId = uuidToBase64(directoryId);
  return JSON.stringify({ leaderId, leaderEpoch: epoch, votedId: id, votedDirectoryId, data_version: DATA_VERSION });
}

type State = Readonly<Record<string, unknown>>;

/** Only the first line counts, as in Kafka. */
function parse(path: string, text: string): State {
  const [line = ''] = text.split(/\r?\n/, 1);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw damaged(path, 'is no JSON', error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(path, 'is no JSON object');
  return value as State;
}

function whole(path: string, state: State, name: string, least: number): number {
  const value = Object.hasOwn(state, name) ? state[name] : undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= MAX_INT32) return value;
  throw damaged(path, `has ${name} ${JSON.stringify(value)}`);
}

function directoryOf(path: string, state: State): string {
  const { votedDirectoryId } = state;
  try {
    return uuidFromBase64(typeof votedDirectoryId === 'string' ? votedDirectoryId : '');
  } catch (error) {
    throw damaged(path, `has votedDirectoryId ${JSON.stringify(votedDirectoryId)}`, error);
  }
}

function damaged(path: string, why: string, cause?: unknown): BrokerError {
  return new BrokerError('quorum-state-damaged', `${path} ${why}`, { cause });
}
