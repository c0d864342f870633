/** Three machines that speak through Kafka's bytes alone: they elect a leader, and all get what it commits. */
import {
  type Api,
  CONTROL_RECORD_TYPE,
  ControlRecordKey,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeMessage,
  encodeRequest,
  encodeResponse,
} from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import {
  createQuorum,
  type LeaderBatch,
  nextDeadlineMs,
  type Quorum,
  type QuorumEffect,
  type QuorumInput,
  type RaftResponse,
  step,
  UNKNOWN_DIRECTORY,
  type Voter,
} from '@meridian/quorum';
import { expect, test } from 'vitest';
import type { SentRequest } from './raft-questions.ts';
import type { RaftView } from './raft-view.ts';
import { answerOf, questionOf, refusalAnswer, replyOf, takeRequest } from './raft-wire.ts';
import { encodeVoters, fetchedBatches } from './voters-record.ts';

const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qg';
const SETTINGS = { electionTimeoutMs: 1_000, fetchTimeoutMs: 2_000, fetchMaxWaitMs: 500, retryBackoffMs: 20 };
const voters: Voter[] = [1, 2, 3].map((id) => ({
  ...{ id, directoryId: `${id}`.repeat(8) + UNKNOWN_DIRECTORY.slice(8) },
  ...{ endpoints: [{ name: 'CONTROLLER', host: 'localhost', port: 9_000 + id }] },
  ...{ minKraftVersion: 0, maxKraftVersion: 1 },
}));

function bytesOf(batch: LeaderBatch, baseOffset: number, leaderEpoch: number): Buffer {
  const type = batch.kind === 'voters' ? CONTROL_RECORD_TYPE.KRAFT_VOTERS : CONTROL_RECORD_TYPE.LEADER_CHANGE;
  const control = batch.kind !== 'proposal';
  const key = control ? encodeMessage(ControlRecordKey, 0, { type }) : null;
  const value = batch.kind === 'voters' ? encodeVoters(batch.voters) : Buffer.from(batch.kind);
  return Buffer.from(writeBatch({ records: [{ timestamp: 0, key, value }], baseOffset, leaderEpoch, control }));
}

interface Node {
  readonly quorum: Quorum;
  readonly log: Buffer[];
}

/** All in order, and nothing is lost. */
class Network {
  nowMs = 0;
  readonly nodes = new Map<number, Node>();
  readonly #inputs: [number, QuorumInput][] = [];

  constructor(seed: number) {
    let state = seed;
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (const self of voters) {
      const log = { startOffset: 0, endOffset: 0, epochs: [] };
      const options = { self, settings: SETTINGS, random, log, configured: voters };
      const quorum = createQuorum({ ...options, election: { epoch: 0, leaderId: -1 } }, 0);
      this.nodes.set(self.id, { quorum, log: [] });
    }
  }

  run(untilMs: number, isEnough: () => boolean): void {
    while (!isEnough() && this.nowMs < untilMs) {
      const [next] = this.#inputs.splice(0, 1);
      if (next !== undefined) this.input(...next);
      else {
        this.nowMs = Math.max(
          this.nowMs + 1,
          Math.min(...[...this.nodes.values()].map(({ quorum }) => nextDeadlineMs(quorum))),
        );
        for (const id of this.nodes.keys()) this.input(id, { kind: 'tick' });
      }
    }
  }

  input(id: number, input: QuorumInput): void {
    const node = this.nodes.get(id)!;
    for (const effect of step(node.quorum, input, this.nowMs)) this.#perform(id, node, effect);
  }

  #perform(id: number, { quorum, log }: Node, effect: QuorumEffect): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(id, effect.to, effect.request as SentRequest);
      case 'answer':
        return (effect.to as Answerer)(effect.response, []);
      case 'answerFetch':
        return (effect.to as Answerer)(effect.response, log.slice(effect.from));
      case 'append':
        log.push(bytesOf(effect.batch, effect.baseOffset, effect.epoch));
        this.#inputs.push([id, { kind: 'flushed', end: effect.baseOffset + 1 }]);
        return;
      case 'appendFetched':
        log.push(...effect.batches.map((batch) => batch.bytes as Buffer));
        this.#inputs.push([id, { kind: 'flushed', end: quorum.log.endOffset }]);
        return;
      default:
    }
  }

  #viewOf(id: number): RaftView {
    const { epoch, leaderId, self } = this.nodes.get(id)!.quorum;
    const leaderEndpoint = voters.find((voter) => voter.id === leaderId)?.endpoints[0];
    return { clusterId: CLUSTER, self, epoch, leaderId, leaderEndpoint, listenerName: 'CONTROLLER' };
  }

  #send(from: number, to: number, request: SentRequest): void {
    const endpoints = voters.find(({ id }) => id === from)!.endpoints;
    const { api, body } = questionOf(request, 99, { clusterId: CLUSTER, endpoints, maxBytes: 1_000_000 });
    const version = api.maxVersion;
    const frame = Buffer.concat(
      encodeRequest(api, version, { correlationId: 1, clientId: null }, body as never),
    ).subarray(4);
    const heard = decodeRequest(api, version, frame, decodeRequestHeader(frame).bodyOffset);
    const taken = takeRequest(request.api, heard, this.#viewOf(to), 1_000);
    const reply = (answer: unknown) => this.#reply(from, to, request, api, answer);
    if (taken.kind === 'addVoter') throw new Error('nobody asked for it');
    if (taken.kind !== 'request') return reply(refusalAnswer(request.api, taken, version, this.#viewOf(to)));
    const answer: Answerer = (response, records) =>
      reply(answerOf(response, version, this.#viewOf(to), { records, logStartOffset: 0 }));
    this.#inputs.push([to, { kind: 'request', from: answer, request: taken.request }]);
  }

  #reply(to: number, from: number, request: SentRequest, api: Api, answer: unknown): void {
    const frame = Buffer.concat(encodeResponse(api, api.maxVersion, 1, answer as never)).subarray(4);
    const reply = replyOf(request, decodeResponse(api, api.maxVersion, frame).body);
    if (reply.kind === 'failed') throw new Error(reply.why);
    this.#inputs.push([to, { kind: 'response', from, request, response: reply.response }]);
  }
}

type Answerer = (response: RaftResponse, records: readonly Buffer[]) => void;

test.each([1, 2, 3, 4, 5])('a leader is elected, and what it commits is everywhere, seed %i', (seed) => {
  const network = new Network(seed);
  const all = [...network.nodes.values()];
  const leader = () => all.find(({ quorum }) => quorum.role.kind === 'leader' && quorum.highWatermark > 0);
  network.run(60_000, () => leader() !== undefined);
  const { self } = leader()!.quorum;
  for (const proposal of ['one', 'two']) network.input(self.id, { kind: 'propose', proposal, recordCount: 1 });
  network.run(120_000, () => all.every(({ quorum }) => quorum.highWatermark === 3));
  expect(all.map(({ quorum }) => [quorum.highWatermark, quorum.leaderId])).toEqual(Array(3).fill([3, self.id]));
  for (const { log } of all) expect(Buffer.concat(log).equals(Buffer.concat(leader()!.log))).toBe(true);
});

test('voters in a batch are found, the last of them, and are as they were said', () => {
  const bytes = bytesOf({ kind: 'voters', voters }, 7, 3);
  const proposal = bytesOf({ kind: 'proposal', proposal: '' }, 8, 3);
  expect(fetchedBatches(Buffer.concat([bytes, proposal, bytes.subarray(0, 30)]))).toEqual([
    { baseOffset: 7, nextOffset: 8, epoch: 3, voters, bytes },
    { baseOffset: 8, nextOffset: 9, epoch: 3, voters: undefined, bytes: proposal },
  ]);
});
