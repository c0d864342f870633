/**
 * A group member at work: performs what `MemberMachine` wants, on a connection of its own, since a join is held by the
 * coordinator until all have joined. Made by `Client.joinGroup`.
 * Invariant: ends with `leave` or with the client, and calls nobody back after that.
 */
import type { Timer } from '@meridian/io';
import {
  type Api,
  ERROR,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  type RequestInput,
  type ResponseOf,
  SyncGroup,
} from '@meridian/protocol';
import { backoffMs } from '../backoff.ts';
import type { NodeConnection } from '../connection/node-connection.ts';
import type { Purpose } from '../connection/node-pool.ts';
import { type Coordinators, type SendContext, withinCall } from '../coordinators.ts';
import { Deadline } from '../deadline.ts';
import { ClientError } from '../errors.ts';
import { type MemberEffect, type MemberInput, MemberMachine } from './member-machine.ts';
import type { GroupMember, GroupMemberOptions } from './member-types.ts';

export interface MemberContext extends SendContext {
  readonly coordinators: Coordinators;
  /** Aborts with the client. */
  readonly closing: AbortSignal;
  connectTo(nodeId: number, purpose: Purpose, deadline: Deadline): Promise<NodeConnection>;
  closePurpose(purpose: Purpose): void;
}

/** LeaveGroup names members from here on. */
const LEAVE_MEMBERS = 3;
/** Of a session, what one heartbeat may take before its connection is given up. */
const HEARTBEAT_SHARE = 1 / 3;

export class RunningMember implements GroupMember {
  private readonly context: MemberContext;
  private readonly options: GroupMemberOptions;
  private readonly purpose: Purpose;
  private readonly machine: MemberMachine;
  private timer: Timer | undefined;
  private isOver = false;
  private leaving: Promise<void> = Promise.resolve();

  constructor(context: MemberContext, id: number, options: GroupMemberOptions) {
    const { io, limits, closing } = context;
    this.context = context;
    this.options = options;
    this.purpose = `group:${id}`;
    const { sessionTimeoutMs, heartbeatMs } = options;
    const wait = (failures: number): number => backoffMs(io.random, limits, failures);
    this.machine = new MemberMachine({ sessionTimeoutMs, heartbeatMs, backoffMs: wait });
    closing.addEventListener('abort', () => this.end(), { once: true });
    this.step({ type: 'start' });
  }

  get memberId(): string {
    return this.machine.memberId;
  }

  leaseAgeMs(): number {
    return this.machine.leaseAgeMs(this.context.io.clock.monotonic());
  }

  rejoin(): void {
    this.step({ type: 'rejoin' });
  }

  async leave(): Promise<void> {
    this.step({ type: 'leave' });
    this.end();
    await this.leaving;
  }

  private end(): void {
    this.isOver = true;
    this.timer?.cancel();
    this.context.closePurpose(this.purpose);
  }

  private step(input: MemberInput): void {
    if (this.isOver) return;
    const { io } = this.context;
    for (const effect of this.machine.step(input, io.clock.monotonic())) this.perform(effect);
    this.timer?.cancel();
    const wakeAtMs = this.machine.wakeAtMs;
    if (this.isOver || wakeAtMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, wakeAtMs - io.clock.monotonic());
    this.timer = io.timers.after(delayMs, () => this.step({ type: 'time' }));
  }

  private perform(effect: MemberEffect): void {
    const { options, context } = this;
    switch (effect.type) {
      case 'join':
        return this.ask(() => this.join(effect.memberId));
      case 'sync':
        return this.ask(() => this.sync(effect));
      case 'beat':
        return this.ask(() => this.beat(effect));
      case 'leave':
        this.leaving = this.sayGoodbye(effect.memberId);
        return;
      case 'assigned':
        return options.onAssigned(effect.assignment);
      case 'lost':
        return options.onLost(effect.reason);
      case 'retry':
        return options.onRetry?.(effect.reason);
      case 'forget':
        return context.coordinators.forget('group', options.group);
    }
  }

  private ask(question: () => Promise<MemberInput>): void {
    question().then(
      (answer) => this.step(answer),
      (error: Error) => this.step({ type: 'failed', reason: error.message }),
    );
  }

  private async join(memberId: string): Promise<MemberInput> {
    const {
      group: groupId,
      protocolType,
      protocolName: name,
      metadata,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
    } = this.options;
    const protocols = [{ name, metadata }];
    const body = { groupId, memberId, protocolType, protocols, sessionTimeoutMs, rebalanceTimeoutMs };
    const timeoutMs = rebalanceTimeoutMs + this.context.limits.joinMarginMs;
    const { answer } = await this.request(JoinGroup, body, timeoutMs);
    const { errorCode, generationId: generation, leader, members } = answer;
    if (errorCode !== ERROR.NONE) return { type: 'joined', errorCode, memberId: answer.memberId };
    return { type: 'joined', errorCode, memberId: answer.memberId, joined: { generation, leader, members } };
  }

  private async sync(effect: Extract<MemberEffect, { type: 'sync' }>): Promise<MemberInput> {
    const { group: groupId, protocolType, protocolName, rebalanceTimeoutMs } = this.options;
    const { memberId, generation: generationId, toAssign } = effect;
    const shares = toAssign.length === 0 ? undefined : this.options.assign(toAssign);
    const assignments = toAssign.map(({ memberId: to }) => ({
      memberId: to,
      assignment: shares?.get(to) ?? Buffer.alloc(0),
    }));
    const body = { groupId, generationId, memberId, protocolType, protocolName, assignments };
    const { answer, sentAtMs } = await this.request(
      SyncGroup,
      body,
      rebalanceTimeoutMs + this.context.limits.joinMarginMs,
    );
    // A copy: the answer's frame is used again.
    return { type: 'synced', errorCode: answer.errorCode, bytes: Buffer.from(answer.assignment), sentAtMs };
  }

  private async beat(effect: Extract<MemberEffect, { type: 'beat' }>): Promise<MemberInput> {
    const { memberId, generation: generationId } = effect;
    const body = { groupId: this.options.group, generationId, memberId };
    const timeoutMs = this.options.sessionTimeoutMs * HEARTBEAT_SHARE;
    const { answer, sentAtMs } = await this.request(Heartbeat, body, timeoutMs);
    return { type: 'beaten', errorCode: answer.errorCode, sentAtMs };
  }

  /** To the coordinator, as far as it is known; rejects where it is not, or does not answer. */
  private async request<A extends Api>(
    api: A,
    body: RequestInput<A>,
    timeoutMs: number,
  ): Promise<{ answer: ResponseOf<A>; sentAtMs: number }> {
    const { io, coordinators, connectTo, closing } = this.context;
    const { group } = this.options;
    const deadline = new Deadline(io, { timeoutMs, signal: closing }, timeoutMs, `${api.name} of ${group}`);
    const nodeId = (await coordinators.find('group', [group], deadline)).get(group);
    if (nodeId === undefined) throw new ClientError('unknown-node', `coordinator of ${group}`);
    const connection = await connectTo(nodeId, this.purpose, deadline);
    const sentAtMs = io.clock.monotonic();
    const left = { timeoutMs: deadline.remainingMs(), signal: closing };
    const answer = await connection.request(api, connection.versionFor(api), body, left);
    return { answer, sentAtMs };
  }

  /** Not behind a join that is held, so not on our own connection. */
  private async sayGoodbye(memberId: string): Promise<void> {
    const { io, limits, coordinators, send } = this.context;
    const { group, sessionTimeoutMs } = this.options;
    const deadline = new Deadline(io, { timeoutMs: sessionTimeoutMs * HEARTBEAT_SHARE }, 0, `leave ${group}`);
    try {
      const nodeId = (await coordinators.find('group', [group], deadline)).get(group);
      const body = { groupId: group, members: [{ memberId }] };
      const call = { ...withinCall(deadline, limits), minVersion: LEAVE_MEMBERS };
      if (nodeId !== undefined) await send(LeaveGroup, body, nodeId, call);
    } catch {
      // The coordinator will find out by itself, a session later.
    }
  }
}
