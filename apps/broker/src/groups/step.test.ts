/** Each transcript lists inputs and, indented below, the effects; `vitest -u` rewrites them, the diff is reviewed. */
import { ERROR, errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { type ClassicGroup, createGroup, type JoinWaiter, type SyncWaiter } from './classic-group.ts';
import type { GroupSettings } from './group-settings.ts';
import type { GroupEffect, GroupInput, StoredThen } from './messages.ts';
import { step } from './step.ts';

const SETTINGS: GroupSettings = {
  maxSize: 3,
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 3_000,
  newMemberJoinTimeoutMs: 300_000,
  offsetsRetentionMs: 1,
  retentionCheckIntervalMs: 1,
  maxMetadataChars: 4_096,
  commitTimeoutMs: 5_000,
  offsetsTopicPartitions: 50,
  offsetsTopicReplicationFactor: 3,
  isReplicationFactorSet: false,
  offsetsTopicSegmentBytes: 1,
  offsetsTopicCodec: 'none',
  loadBufferBytes: 1,
};

/** A group with somebody who speaks to it, and a memory of what it has armed and stored. */
class Scene {
  readonly group: ClassicGroup = createGroup('orders', 0);
  readonly lines: string[] = [];
  readonly #timers = new Map<string, GroupInput>();
  readonly #stored: StoredThen[] = [];

  joins(
    name: string,
    more: { id?: string; instance?: string; protocols?: string; old?: boolean; metadata?: string } = {},
  ) {
    const { id = '', instance = null, protocols = 'range', old = false, metadata = '' } = more;
    const said = [id && `as ${id}`, instance && `instance ${instance}`, old && 'v3', metadata && `with ${metadata}`];
    return this.#step([`${name} joins`, ...said, `[${protocols}]`], {
      kind: 'join',
      waiter: { name: `${name}’s join`, joined: () => undefined } as JoinWaiter,
      memberId: id,
      instanceId: instance,
      clientId: name,
      clientHost: '/client',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      protocolType: 'consumer',
      protocols: protocols.split(' ').map((each) => ({ name: each, metadata: Buffer.from(metadata) })),
      newMemberId: `${name}-id`,
      takesIdFirst: !old,
      knowsSkipAssignment: !old,
    });
  }

  syncs(name: string, id: string, generationId: number, assignments: Record<string, string> = {}) {
    const said = Object.entries(assignments).map(([member, what]) => `${member}: ${what}`);
    return this.#step([`${name} syncs as ${id} in ${generationId}`, said.length > 0 && `{${said.join(', ')}}`], {
      kind: 'sync',
      waiter: { name: `${name}’s sync`, synced: () => undefined } as SyncWaiter,
      memberId: id,
      instanceId: null,
      generationId,
      protocolType: 'consumer',
      protocolName: null,
      assignments: new Map(Object.entries(assignments).map(([member, what]) => [member, Buffer.from(what)])),
    });
  }

  beats(memberId: string, generationId: number, instanceId: string | null = null) {
    const input = { kind: 'heartbeat', memberId, instanceId, generationId } as const;
    return this.#step([`${memberId} is alive in ${generationId}`, instanceId && `instance ${instanceId}`], input);
  }

  leaves(memberId: string, groupInstanceId: string | null = null) {
    const members = [{ memberId, groupInstanceId }];
    return this.#step([`${memberId || `instance ${groupInstanceId}`} leaves`], { kind: 'leave', members });
  }

  fires(timer: string) {
    const input = this.#timers.get(timer);
    if (input === undefined) throw new Error(`timer ${timer} is not set`);
    this.#timers.delete(timer);
    return this.#step([`timer ${timer}`], input);
  }

  isStored(errorCode: number = ERROR.NONE) {
    const next = this.#stored.shift();
    if (next === undefined) throw new Error('nothing is being stored');
    return this.#step([`stored ${errorName(errorCode)}`], { kind: 'stored', next, errorCode });
  }

  ends() {
    return this.#step(['the coordinator moves away'], { kind: 'end', errorCode: ERROR.NOT_COORDINATOR });
  }

  #step(said: readonly unknown[], input: GroupInput): this {
    const effects = step(this.group, input, 0, SETTINGS);
    const { state, generation, leader, members } = this.group;
    this.lines.push(said.filter(Boolean).join(' '), ...effects.map((effect) => `    ${this.#show(effect)}`));
    this.lines.push(`  = ${state} ${generation} led by ${leader} of ${[...members.keys()].join(', ') || 'nobody'}`);
    return this;
  }

  #show(effect: GroupEffect): string {
    switch (effect.kind) {
      case 'answerJoin':
      case 'answerSync':
        return `${(effect.to as unknown as { name: string }).name}: ${shown(effect.answer)}`;
      case 'answerHeartbeat':
        return errorName(effect.errorCode);
      case 'answerLeave':
        return effect.members.map(({ errorCode }) => errorName(errorCode)).join(' ');
      case 'arm':
        this.#timers.set(effect.timer, effect.input);
        return `timer ${effect.timer} in ${effect.delayMs} ms`;
      case 'cancel':
        this.#timers.delete(effect.timer);
        return `no timer ${effect.timer}`;
      case 'store':
        if (effect.next !== undefined) this.#stored.push(effect.next);
        return `store generation ${effect.value.generation} ${effect.value.members.map((each) => `${each.memberId}: ${each.assignment}`).join(', ')}`;
    }
  }
}

function shown(answer: Extract<GroupEffect, { kind: 'answerJoin' | 'answerSync' }>['answer']): string {
  if ('assignment' in answer) return `${errorName(answer.errorCode)} ${answer.assignment}`;
  const { errorCode, memberId, generationId, protocolName, leader, skipAssignment, members } = answer;
  if (errorCode !== ERROR.NONE) return `${errorName(errorCode)} ${memberId}`;
  const follows = skipAssignment ? ' which need not assign' : '';
  const all = members.length > 0 ? ` of ${members.map((each) => each.memberId).join(', ')}` : '';
  return `generation ${generationId} ${protocolName} as ${memberId}, led by ${leader}${follows}${all}`;
}

/** Two members at work. */
const pair = () =>
  new Scene()
    .joins('ann')
    .joins('ann', { id: 'ann-id' })
    .joins('bob', { old: true })
    .fires('join')
    .fires('join')
    .syncs('bob', 'bob-id', 1)
    .syncs('ann', 'ann-id', 1, { 'ann-id': 'p0', 'bob-id': 'p1' })
    .isStored();

const solo = (instance: string) =>
  new Scene().joins('ann', { instance }).fires('join').syncs('ann', 'ann-id', 1, { 'ann-id': 'p0' }).isStored();

const SCENARIOS: Record<string, () => Scene> = {
  'two members join and are told their parts once these are stored': pair,
  'a member that goes makes the others join again': () =>
    pair().leaves('bob-id').beats('ann-id', 1).joins('ann', { id: 'ann-id' }),
  'a member of which nothing is heard is out': () =>
    pair().fires('session bob-id').joins('ann', { id: 'ann-id' }).beats('bob-id', 2),
  'whoever does not join again in time is out, and a new leader is found': () =>
    pair().joins('cid', { old: true }).joins('bob', { id: 'bob-id' }).fires('join'),
  'whoever does not ask for its part in time is out': () =>
    pair().joins('ann', { id: 'ann-id' }).joins('bob', { id: 'bob-id' }).syncs('bob', 'bob-id', 2).fires('sync'),
  'a static member that comes back keeps its part without a rebalance': () =>
    solo('i1').joins('ann2', { instance: 'i1' }).isStored().beats('ann-id', 1, 'i1').beats('ann2-id', 1, 'i1'),
  'a static member whose return cannot be stored is its old self again': () =>
    solo('i1').joins('ann2', { instance: 'i1' }).isStored(ERROR.COORDINATOR_NOT_AVAILABLE).beats('ann-id', 1, 'i1'),
  'a static member that joins again changes the protocol, and so the generation': () =>
    solo('i1').joins('ann2', { instance: 'i1', protocols: 'sticky' }),
  'protocols that not all members know are refused, and the most wanted is chosen': () =>
    new Scene()
      .joins('ann', { old: true, protocols: 'range sticky' })
      .joins('bob', { old: true, protocols: 'sticky range' })
      .joins('cid', { old: true, protocols: 'other' })
      .joins('dan', { old: true, protocols: 'sticky' })
      .fires('join')
      .fires('join'),
  'where the votes do not decide, the protocol is the one that Apache Kafka takes': () =>
    new Scene()
      .joins('ann', { old: true, protocols: 'cooperative-sticky range' })
      .joins('bob', { old: true, protocols: 'range cooperative-sticky' })
      .fires('join')
      .fires('join'),
  'a full group takes nobody else': () =>
    pair().joins('cid', { old: true }).joins('ann', { id: 'ann-id' }).joins('bob', { id: 'bob-id' }).joins('dan'),
  'an assignment that cannot be stored begins the rebalance anew': () =>
    new Scene()
      .joins('ann', { old: true })
      .fires('join')
      .syncs('ann', 'ann-id', 1, { 'ann-id': 'p0' })
      .isStored(ERROR.NOT_COORDINATOR),
  'a wrong generation, a stranger and a rebalance under way are told apart': () =>
    pair().beats('ann-id', 0).beats('who', 1).syncs('ann', 'ann-id', 7).joins('cid', { old: true }).beats('ann-id', 1),
  'the last to leave leaves an empty group': () => pair().leaves('bob-id').leaves('ann-id').leaves('ann-id'),
  'an id that was given and never used is forgotten': () => new Scene().joins('ann').fires('session ann-id'),
  'whoever waits is told when the coordinator moves away': () => pair().joins('cid', { old: true }).ends(),
};

test.each(Object.entries(SCENARIOS))('%s', async (name, play) => {
  const file = new URL(`../../testdata/groups/${name.replaceAll(' ', '-')}.txt`, import.meta.url).pathname;
  await expect(`${play().lines.join('\n')}\n`).toMatchFileSnapshot(file);
});
