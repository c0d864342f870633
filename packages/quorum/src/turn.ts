/**
 * One step of the machine under way: the node, the time, and the effects so far. Every change of epoch, leader or vote goes
 * through `elect`, which puts `persist` before whatever follows.
 */
import type { Asker, QuorumEffect, RaftError, RaftRequest, RaftResponse } from './messages.ts';
import { electionStateOf, type Quorum, type Role, toldLeaderId } from './state.ts';
import type { ReplicaKey } from './voters.ts';

export interface Turn {
  readonly quorum: Quorum;
  readonly nowMs: number;
  readonly effects: QuorumEffect[];
}

export function send({ effects }: Turn, to: number, request: RaftRequest): void {
  effects.push({ kind: 'send', to, request });
}

export function answer({ effects }: Turn, to: Asker, response: RaftResponse): void {
  effects.push({ kind: 'answer', to, response });
}

/** An answer that says nothing but how it went, and who leads. */
export function answerPlainly(
  turn: Turn,
  to: Asker,
  api: 'BeginQuorumEpoch' | 'EndQuorumEpoch' | 'AddRaftVoter' | 'RemoveRaftVoter' | 'UpdateRaftVoter',
  error: RaftError,
  message?: string,
): void {
  const { epoch } = turn.quorum;
  const leaderId = toldLeaderId(turn.quorum);
  answer(turn, to, { api, error, epoch, leaderId, message });
}

/** Takes on what is believed of this epoch; durable before anything else happens. */
export function elect(turn: Turn, epoch: number, leaderId: number, voted: ReplicaKey | undefined): void {
  const { quorum, effects } = turn;
  if (epoch < quorum.epoch) throw new Error(`epoch ${quorum.epoch} cannot go back to ${epoch}`);
  const isSame = epoch === quorum.epoch && leaderId === quorum.leaderId && voted?.id === quorum.voted?.id;
  quorum.epoch = epoch;
  quorum.leaderId = leaderId;
  quorum.voted = voted;
  if (isSame) return;
  forgetUnsaid(effects);
  effects.push({ kind: 'persist', state: electionStateOf(quorum) });
}

/** What was to be persisted just now, and nobody has been told of yet, need not be: the newer state says it all. */
function forgetUnsaid(effects: QuorumEffect[]): void {
  const last = effects.findLastIndex(({ kind }) => kind !== 'role');
  if (effects[last]?.kind === 'persist') effects.splice(last, 1);
}

export function enter({ quorum, effects }: Turn, role: Role): void {
  quorum.role = role;
  effects.push({ kind: 'role', role: role.kind, epoch: quorum.epoch, leaderId: quorum.leaderId });
}

/** What it had promised, if anything, is kept again. */
export function remember({ quorum, effects }: Turn): void {
  if (!quorum.hasForgotten) return;
  quorum.hasForgotten = false;
  effects.push({ kind: 'remembers' });
}

/** The high watermark never goes back: a new leader that does not know it yet says nothing. */
export function commit({ quorum, effects }: Turn, highWatermark: number): void {
  if (highWatermark <= quorum.highWatermark) return;
  quorum.highWatermark = highWatermark;
  effects.push({ kind: 'committed', highWatermark });
}
