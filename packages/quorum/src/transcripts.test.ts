/** Each transcript lists what happens and, indented below, what the nodes do; `vitest -u` rewrites them, the diff is reviewed. */
import { expect, test } from 'vitest';
import { saidRequest } from './testing/said.ts';
import { directoryFor, type Message, Scene, voterFor } from './testing/scene.ts';

class Play extends Scene {
  /** Nodes with small ids have little patience. */
  constructor(voters: readonly number[], observers: readonly number[] = [], isBootstrap = false) {
    super(voters, { observers, random: (id) => id / 10, isBootstrap });
  }

  says(line: string): this {
    this.lines.push(line);
    return this;
  }

  /** The node's patience is over. */
  timesOut(id: number): this {
    const now = { electionDeadlineMs: this.nowMs, fetchDeadlineMs: this.nowMs, quorumDeadlineMs: this.nowMs };
    Object.assign(this.node(id).quorum.role, now); // and only its: the others' clocks stand still
    this.says(`${id} has waited long enough`);
    this.input(id, { kind: 'tick' });
    return this;
  }

  /** All messages that do not touch a node in `except`, until nothing but fetches with nothing to bring is left. */
  talk(except: readonly number[] = []): this {
    this.says(except.length === 0 ? 'everybody talks' : `everybody but ${except.join(', ')} talks`);
    for (let count = 0; count < 200; count++) {
      const index = this.bag.findIndex(({ from, to }) => !except.includes(from) && !except.includes(to));
      if (index === -1) return this;
      this.deliver(this.bag.splice(index, 1)[0]!);
    }
    throw new Error('they talk without end');
  }

  /** The hint that nobody listens at the leader's address. */
  doubts(id: number, leaderId: number): this {
    this.says(`${id} finds nobody where ${leaderId} was`);
    this.input(id, { kind: 'leaderUnreachable', leaderId });
    return this;
  }

  /** It asks for what is new. */
  fetches(id: number): this {
    this.says(`${id} goes on`);
    this.wake(id);
    return this;
  }

  /** The next message that matches arrives. */
  arrives(wanted: (message: Message) => boolean): this {
    const index = this.bag.findIndex(wanted);
    const message = this.bag.splice(index, 1)[0]!;
    const what = message.response === undefined ? saidRequest(message.request) : `${message.request.api} answered`;
    this.says(`${message.from} → ${message.to}: ${what}`);
    this.deliver(message);
    return this;
  }

  /** Whatever is under way is lost, and its senders learn it. */
  loses(id: number): this {
    this.says(`nothing reaches ${id}, and nothing comes from it`);
    for (let index = this.bag.length - 1; index >= 0; index--) {
      const message = this.bag[index]!;
      if (message.from === id || message.to === id) this.fail(this.bag.splice(index, 1)[0]!);
    }
    return this;
  }

  proposes(id: number, proposal: string): this {
    this.says(`${id} is asked to write ${proposal}`);
    this.input(id, { kind: 'propose', proposal, recordCount: 1 });
    return this;
  }

  dies(id: number): this {
    this.crash(id);
    return this.says(`${id} dies`);
  }

  /** Its disk is gone, but not the name of its directory. */
  forgets(id: number): this {
    this.forget(id);
    return this.says(`${id} loses its log, and what it has voted`);
  }

  /** It says that it is found on another host. */
  moves(id: number, host: string): this {
    const node = this.node(id);
    node.own = voterFor(id, { endpoints: [{ name: 'INTERNAL', host, port: 9_093 }] });
    node.quorum.own = node.own;
    return this.says(`${id} is now found at ${host}`);
  }

  comesBack(id: number): this {
    this.restart(id);
    const { role, epoch } = this.node(id).quorum;
    return this.says(`${id} comes back, ${role.kind} in epoch ${epoch}`);
  }

  asks(id: number, api: 'AddRaftVoter' | 'RemoveRaftVoter', who: number): this {
    this.says(`${id} is asked: ${api} ${who}`);
    const voter = voterFor(who, { directoryId: this.node(who).directoryId });
    const more = { timeoutMs: 1_000 };
    const request = api === 'AddRaftVoter' ? { api, voter, isReachable: true, ...more } : { api, voter, ...more };
    this.input(id, { kind: 'request', from: undefined, request });
    return this;
  }

  /** `1` leads epoch 1 and everybody has its log. */
  static led(voters: readonly number[], observers: readonly number[] = []): Play {
    const play = new Play(voters, observers);
    play.timesOut(voters[0]!).talk();
    play.lines.length = 0;
    return play;
  }
}

async function check(play: Play): Promise<void> {
  for (const { id, isAlive, quorum, log } of play.nodes.values()) {
    const { role, epoch, leaderId, highWatermark } = quorum;
    const has = log.map((entry) => entry.says).join(', ');
    play.says(
      `= ${id} ${isAlive ? role.kind : 'dead'}, epoch ${epoch}, leader ${leaderId}, committed ${highWatermark}: ${has}`,
    );
  }
  const name = expect.getState().currentTestName!.replaceAll(' ', '-');
  await expect(`${play.lines.join('\n')}\n`).toMatchFileSnapshot(`../testdata/${name}.txt`);
}

test('three voters elect the first whose patience ends', async () => {
  await check(new Play([1, 2, 3]).timesOut(1).talk());
});

test('an only voter leads at once', async () => {
  await check(new Play([1]).timesOut(1));
});

test('what is on a majority is committed, and the followers are told', async () => {
  await check(Play.led([1, 2, 3]).proposes(1, 'a topic').talk([3]));
});

test('a node that was cut off asks first and unseats nobody', async () => {
  const play = Play.led([1, 2, 3]).loses(3).timesOut(3);
  await check(play.talk());
});

test('a leader that loses its majority resigns', async () => {
  const play = Play.led([1, 2, 3]).loses(2).loses(3).dies(2).dies(3);
  await check(play.timesOut(1));
});

test('a new leader commits what the old one left only behind a record of its own', async () => {
  const play = Play.led([1, 2, 3]).proposes(1, 'left behind');
  play.arrives(({ from, to, request }) => from === 1 && to === 2 && request.api === 'Fetch');
  play.loses(1).dies(1).timesOut(2).talk().says('3 has heard of 1 not long ago, and 2 gives up');
  await check(play.timesOut(3).talk().timesOut(2).talk());
});

test('a tail that nobody else has is cut off when its writer comes back', async () => {
  const play = Play.led([1, 2, 3]).proposes(1, 'never seen').loses(2).loses(3).dies(1);
  play.timesOut(3).talk().timesOut(2).talk().proposes(2, 'in its place').talk();
  await check(play.comesBack(1).fetches(1).talk());
});

test('nobody votes twice in an epoch, also after a restart', async () => {
  const play = new Play([1, 2, 3]).timesOut(1);
  for (const voter of [2, 3]) {
    const isVote = ({ request }: Message) => request.api === 'Vote';
    play.arrives((message) => isVote(message) && message.to === voter);
    play.arrives((message) => isVote(message) && message.from === voter);
  }
  play.arrives(({ to, request }) => to === 3 && request.api === 'Vote' && !request.preVote);
  play.dies(3).comesBack(3);
  play.says('2 asks for a vote in the same epoch');
  const last = { offset: 9, epoch: 1 };
  const asks = { api: 'Vote', epoch: 1, candidate: play.node(2).quorum.self, preVote: false, last } as const;
  play.input(3, { kind: 'request', from: undefined, request: { ...asks, voter: play.node(3).quorum.self } });
  await check(play);
});

test('a log that is older gets no vote', async () => {
  const play = Play.led([1, 2, 3]).loses(3).proposes(1, 'news').talk([3]).dies(1);
  await check(play.timesOut(3).talk().timesOut(2).talk());
});

test('a leader that stops hands over to whoever has most', async () => {
  const play = Play.led([1, 2, 3]).says('1 is stopped');
  play.input(1, { kind: 'resign' });
  const isEnd = ({ request, response }: Message) => request.api === 'EndQuorumEpoch' && response === undefined;
  await check(play.arrives(isEnd).arrives(isEnd).dies(1).talk());
});

test('an observer that has everything becomes a voter', async () => {
  const play = Play.led([1, 2, 3], [4]).fetches(4).talk();
  await check(play.asks(1, 'AddRaftVoter', 4).talk());
});

test('who has not fetched yet is not made a voter', async () => {
  const play = Play.led([1, 2, 3]);
  play.add(4);
  await check(play.asks(1, 'AddRaftVoter', 4).asks(1, 'AddRaftVoter', 3));
});

test('a leader that is removed goes once that is committed', async () => {
  await check(Play.led([1, 2, 3]).asks(1, 'RemoveRaftVoter', 1).talk());
});

test('the last voter cannot be removed', async () => {
  await check(Play.led([1]).asks(1, 'RemoveRaftVoter', 1));
});

test('voters change one at a time', async () => {
  const play = Play.led([1, 2, 3]).asks(1, 'RemoveRaftVoter', 3).asks(1, 'RemoveRaftVoter', 2).talk();
  await check(play.asks(1, 'RemoveRaftVoter', 2).talk());
});

test('a voter that lost its disk is not the voter that it was', async () => {
  const play = Play.led([1, 2, 3]).dies(3).loses(3);
  play.wipe(3);
  play.comesBack(3).says(`its directory was ${directoryFor(3)}, and is ${play.node(3).directoryId}`);
  play.fetches(3).talk().proposes(1, 'a topic').talk([2]);
  await check(play.says('one voter and one that is none are no majority of three'));
});

test('who is far behind takes a snapshot in place of the records', async () => {
  const play = Play.led([1, 2, 3]).dies(3).loses(3).proposes(1, 'a topic').proposes(1, 'another').talk();
  play.says('1 takes a snapshot').takeSnapshot(1);
  await check(play.comesBack(3).fetches(3).talk());
});

test('a leader whose process is gone is replaced at once', async () => {
  const play = Play.led([1, 2, 3]).proposes(1, 'a topic').talk().dies(1).loses(1);
  await check(play.doubts(2, 1).doubts(3, 1).timesOut(2).talk());
});

test('a doubt about a leader that lives unseats nobody', async () => {
  const play = Play.led([1, 2, 3]).doubts(2, 1).timesOut(2).talk();
  await check(play);
});

test('a leader that comes back at once is not waited for', async () => {
  const play = Play.led([1, 2, 3]).dies(1).comesBack(1).says('their connections to 1 are broken');
  for (const to of [2, 3]) play.input(to, { kind: 'failed', to: 1, request: play.node(to).quorum.fetching! });
  play.fetches(2).fetches(3).talk().says('both doubt 1 now, and 2 is the first to stand');
  await check(play.fetches(2).talk());
});

test('who has lost its vote and its log gives no vote before it has heard a leader', async () => {
  const play = Play.led([1, 2, 3]).proposes(1, 'a topic').talk([3]).dies(1).loses(1).dies(2).loses(2);
  play.forgets(2).comesBack(2).timesOut(3).talk([1]);
  play.says('1 has all that was committed').comesBack(1).timesOut(1).talk();
  await check(play);
});

test('the first leader of voters that may change writes them down', async () => {
  await check(new Play([1, 2, 3], [], true).timesOut(1).talk());
});

test('a voter that has moved tells its leader', async () => {
  const play = new Play([1, 2, 3], [], true).timesOut(1).talk();
  play.lines.length = 0;
  play.moves(2, 'elsewhere').fetches(2).talk();
  await check(play);
});

test('a new voter is answered at once where nobody wants to wait for the majority', async () => {
  const play = Play.led([1, 2, 3], [4]).fetches(4).talk().fetches(4).talk();
  play.says('1 is asked: AddRaftVoter 4, and need not wait');
  const voter = voterFor(4, { directoryId: play.node(4).directoryId });
  const request = { api: 'AddRaftVoter', voter, isReachable: true, timeoutMs: 1_000, ackWhenCommitted: false } as const;
  play.input(1, { kind: 'request', from: undefined, request });
  await check(play.talk());
});
