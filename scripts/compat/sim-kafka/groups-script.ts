/** Questions about groups: commits from outside, members that come and go, generations. */
import type { Client } from '@meridian/client';
import { Heartbeat, JoinGroup, LeaveGroup, OffsetCommit, SyncGroup } from '@meridian/protocol';
import { type Note, newTopic, type Subject } from './subject.ts';

const TOPIC = 'grouped';
const GROUP = 'readers';
const COORDINATOR_IS_COMING = new Set([14, 15, 16]);

class Member {
  private readonly client: Client;
  memberId = '';
  generationId = -1;

  constructor(client: Client) {
    this.client = client;
  }

  /** Notes the codes on the way: the first join only hands out an id. */
  async join(): Promise<{ codes: number[]; isLeader: boolean; members: number; generation: number }> {
    const codes: number[] = [];
    for (;;) {
      const body = {
        ...{ groupId: GROUP, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 2_000, memberId: this.memberId },
        ...{ protocolType: 'test', protocols: [{ name: 'p', metadata: Buffer.from('m') }] },
      };
      const answer = await this.client.send(JoinGroup, body, 'any', { version: 7 });
      if (!COORDINATOR_IS_COMING.has(answer.errorCode)) codes.push(answer.errorCode);
      this.memberId = answer.memberId;
      if (answer.errorCode === 0) {
        this.generationId = answer.generationId;
        const { leader, members, generationId: generation } = answer;
        return { codes, isLeader: leader === this.memberId, members: members.length, generation };
      }
      if (answer.errorCode !== 79 && !COORDINATOR_IS_COMING.has(answer.errorCode)) throw new Error(`join: ${codes}`);
    }
  }

  async sync(assignments: readonly { memberId: string; assignment: Buffer }[]): Promise<[number, string]> {
    const body = { groupId: GROUP, ...this.place, assignments };
    const answer = await this.client.send(SyncGroup, body, 'any', { version: 3 });
    return [answer.errorCode, answer.assignment.toString()];
  }

  async heartbeat(generationId = this.generationId): Promise<number> {
    const body = { groupId: GROUP, ...this.place, generationId };
    return (await this.client.send(Heartbeat, body, 'any', { version: 3 })).errorCode;
  }

  async leave(): Promise<number> {
    const body = { groupId: GROUP, members: [{ memberId: this.memberId, groupInstanceId: null }] };
    const answer = await this.client.send(LeaveGroup, body, 'any', { version: 3 });
    return answer.errorCode || answer.members[0]!.errorCode;
  }

  async commit(offset: number, place: { memberId: string; generationId: number } = this.place): Promise<number> {
    const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: 'm' }];
    const { memberId, generationId } = place;
    const ids = { groupId: GROUP, generationIdOrMemberEpoch: generationId, memberId };
    const body = { ...ids, topics: [{ name: TOPIC, partitions }] };
    const answer = await this.client.send(OffsetCommit, body, 'any', { version: 7 });
    return answer.topics[0]!.partitions[0]!.errorCode;
  }

  private get place() {
    return { memberId: this.memberId, generationId: this.generationId };
  }
}

const NOBODY = { memberId: '', generationId: -1 };

export async function groupsScript(subject: Subject): Promise<Note[]> {
  const { client } = subject;
  const notes: Note[] = [];
  const note = (question: string, answer: unknown): void => void notes.push([question, answer]);
  await newTopic(subject, TOPIC);
  const others = [subject.another(), subject.another()];
  const [a, b] = others.map((each) => new Member(each)) as [Member, Member];
  const outside = async (offset: number) =>
    (await client.commitOffsets(GROUP, [{ topic: TOPIC, partition: 0, offset }], { timeoutMs: 60_000 }))[0]?.errorCode;
  const listed = async () => (await client.listGroups()).map(({ group, state }) => `${group} ${state}`);
  const committed = async () => (await client.committedOffsets([GROUP])).get(GROUP);
  note('a commit into no group', await outside(3));
  note('listed', await listed());
  note('committed', await committed());
  note('a joins', await a.join());
  note('a commit from outside amid a join', await outside(4));
  note('a syncs', await a.sync([{ memberId: a.memberId, assignment: Buffer.from('all') }]));
  note('listed', await listed());
  note('a commits', [await a.commit(5), await a.commit(6, { ...NOBODY, memberId: a.memberId })]);
  note('somebody else commits', [await a.commit(7, NOBODY), await a.commit(7, { memberId: 'x', generationId: 1 })]);
  note('with another generation', [await a.commit(7, { memberId: a.memberId, generationId: 9 }), await a.heartbeat(9)]);
  note('heartbeat', await a.heartbeat());
  await twoMembers(a, b, note);
  note('a commit from outside', await outside(8));
  note('both leave', [await a.leave(), await b.leave(), await b.leave()]);
  note('listed', await listed());
  note('a commit from outside', await outside(9));
  note('a heartbeat of nobody', await a.heartbeat());
  note('committed', await committed());
  note('committed by no group', (await client.committedOffsets(['nobody'])).get('nobody'));
  for (const other of others) await other.close();
  return notes;
}

async function twoMembers(a: Member, b: Member, note: (question: string, answer: unknown) => void): Promise<void> {
  const joining = b.join();
  while ((await a.heartbeat()) === 0) await new Promise((done) => setTimeout(done, 20));
  note('a hears that somebody comes', await a.heartbeat());
  note('a commits meanwhile', await a.commit(6));
  const [ofA, ofB] = await Promise.all([a.join(), joining]);
  note('both have joined', [ofA, ofB]);
  const assignments = [a, b].map(({ memberId }, at) => ({ memberId, assignment: Buffer.from(`part ${at}`) }));
  const [leader, follower] = ofA.isLeader ? [a, b] : [b, a];
  const waiting = follower.sync([]);
  note('a commit before the assignment', await leader.commit(6));
  note('both are assigned', [await leader.sync(assignments), await waiting]);
}
