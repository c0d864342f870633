/** The quorum's messages over the wire, through Kafka's bytes: what one machine says is what the other hears. */
import {
  type Api,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  ERROR,
  encodeRequest,
  encodeResponse,
  NO_LIMIT,
  UpdateRaftVoter,
  Vote,
} from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { type RaftRequest, type RaftResponse, UNKNOWN_DIRECTORY, type Voter } from '@meridian/quorum';
import { describe, expect, test } from 'vitest';
import { refusalAnswer } from './raft-answers.ts';
import type { SentRequest } from './raft-questions.ts';
import type { RaftView } from './raft-view.ts';
import { addVoterRequest, answerOf, questionOf, replyOf, takeRequest } from './raft-wire.ts';

const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qg';
const directory = (id: number): string => `${id}`.repeat(8) + UNKNOWN_DIRECTORY.slice(8);
const key = (id: number) => ({ id, directoryId: directory(id) });
const found = (id: number) => ({ name: 'CONTROLLER', host: `node-${id}`, port: 9090 + id });
const voter = (id: number): Voter => ({ ...key(id), endpoints: [found(id)], minKraftVersion: 0, maxKraftVersion: 1 });
const asking = { clusterId: CLUSTER, endpoints: [found(2)], maxBytes: 1_000_000 };
/** We are node 1, and node 2 leads epoch 5. */
const view: RaftView = {
  ...{ clusterId: CLUSTER, self: key(1), epoch: 5, leaderId: 2, listenerName: 'CONTROLLER' },
  leaderEndpoint: { host: 'node-2', port: 9092 },
};
const leading: RaftView = { ...view, leaderId: 1, leaderEndpoint: { host: 'node-1', port: 9091 } };
const NO_LOG = { records: [], logStartOffset: 0 };

/** As the other node reads it. */
function sentRequest(api: Api, version: number, body: unknown): unknown {
  const header = { correlationId: 1, clientId: null };
  const frame = Buffer.concat(encodeRequest(api, version, header, body as never)).subarray(4);
  return decodeRequest(api, version, frame, decodeRequestHeader(frame).bodyOffset);
}

function sentResponse(api: Api, version: number, body: unknown): unknown {
  return decodeResponse(api, version, Buffer.concat(encodeResponse(api, version, 1, body as never)).subarray(4)).body;
}

const last = { offset: 900, epoch: 4 };
const place = { epoch: 5, fetchOffset: 900, lastFetchedEpoch: 4 };
const requests: SentRequest[] = [
  { api: 'Vote', epoch: 5, candidate: key(3), voter: key(1), last, preVote: true },
  { api: 'Vote', epoch: 6, candidate: key(3), voter: key(1), last, preVote: false },
  { api: 'BeginQuorumEpoch', epoch: 5, leaderId: 2, voter: key(1) },
  { api: 'EndQuorumEpoch', epoch: 5, leaderId: 2, preferredSuccessors: [key(1), key(3)] },
  { api: 'Fetch', replica: key(3), ...place, highWatermark: -1, maxWaitMs: 500 },
  { api: 'FetchSnapshot', replica: key(3), epoch: 5, snapshot: { offset: 700, epoch: 3 }, position: 4096 },
];

describe('a request is heard as it was said', () => {
  test.each(requests.map((request) => [request.api, request] as const))('%s', (_name, request) => {
    const { api, body } = questionOf(request, 99, asking);
    const taken = takeRequest(request.api, sentRequest(api, api.maxVersion, body), view, 1);
    const tellsWhere = request.api === 'BeginQuorumEpoch' || request.api === 'EndQuorumEpoch';
    const leader = { nodeId: 2, host: 'node-2', port: 9092 };
    expect(taken).toEqual({ kind: 'request', request, ...(tellsWhere && { leader }) });
  });

  test('UpdateRaftVoter, which only a leader takes', () => {
    const request = { api: 'UpdateRaftVoter', epoch: 5, voter: voter(3), timeoutMs: 1_234 } as const;
    const { api, body } = questionOf(request, 0, asking);
    expect(takeRequest(request.api, sentRequest(api, 0, body), leading, 1_234)).toEqual({ kind: 'request', request });
  });

  test('in versions that know no directories: a vote is ours, and successors go by their ids', () => {
    const { body: vote } = questionOf(requests[1]!, 0, asking);
    expect(takeRequest('Vote', sentRequest(Vote, 0, vote), view, 1)).toMatchObject({
      request: { voter: key(1), candidate: { id: 3, directoryId: UNKNOWN_DIRECTORY } },
    });
    const { api, body } = questionOf(requests[3]!, 0, asking);
    const nameless = [1, 3].map((id) => ({ id, directoryId: UNKNOWN_DIRECTORY }));
    const taken = takeRequest('EndQuorumEpoch', sentRequest(api, 0, body), view, 1);
    expect(taken).toMatchObject({ request: { preferredSuccessors: nameless }, leader: undefined });
  });

  test('a pre-vote is not sent as a vote to who knows none', () => {
    const { body } = questionOf(requests[0]!, 1, asking);
    expect(() => sentRequest(Vote, 1, body)).toThrow(expect.objectContaining({ code: 'unsupported-field' }));
  });

  test('a fetch of before the struct of replicas, and one that knows nothing of high watermarks', () => {
    const { api, body } = questionOf(requests[4]!, 14, asking);
    const taken = takeRequest('Fetch', sentRequest(api, 14, body), view, 1);
    const replica = { id: 3, directoryId: UNKNOWN_DIRECTORY };
    expect(taken).toMatchObject({ request: { replica, highWatermark: NO_LIMIT } });
  });
});

const answer = { error: 'NONE', epoch: 5, leaderId: 2 } as const;
const bytes = Buffer.from(
  writeBatch({ records: [{ timestamp: 0, value: Buffer.from('x') }], baseOffset: 900, leaderEpoch: 5 }),
);
const batch = { baseOffset: 900, nextOffset: 901, epoch: 5, voters: undefined, bytes };
const part = { snapshot: { offset: 700, epoch: 3 }, sizeInBytes: 5_000, position: 4_096, bytes: Buffer.alloc(904, 1) };
type Pair = [SentRequest, RaftResponse];
const answers: Pair[] = [
  [requests[0]!, { api: 'Vote', ...answer, granted: true }],
  [requests[1]!, { api: 'Vote', ...answer, error: 'INVALID_VOTER_KEY', granted: false }],
  [requests[2]!, { api: 'BeginQuorumEpoch', ...answer, error: 'FENCED_LEADER_EPOCH' }],
  [requests[3]!, { api: 'EndQuorumEpoch', ...answer }],
  [requests[4]!, { api: 'Fetch', ...answer, highWatermark: 880, batches: [batch] }],
  [requests[4]!, { api: 'Fetch', ...answer, highWatermark: 880, diverging: { offset: 850, epoch: 3 }, batches: [] }],
  [requests[4]!, { api: 'Fetch', ...answer, highWatermark: 880, snapshot: { offset: 700, epoch: 3 }, batches: [] }],
  [requests[4]!, { api: 'Fetch', ...answer, error: 'NOT_LEADER_OR_FOLLOWER', highWatermark: -1, batches: [] }],
  [requests[5]!, { api: 'FetchSnapshot', ...answer, ...part }],
  [
    { api: 'UpdateRaftVoter', epoch: 5, voter: voter(3), timeoutMs: 1 },
    { api: 'UpdateRaftVoter', ...answer },
  ],
];

describe('an answer is heard as it was said, with where the leader is', () => {
  test.each(answers.map(([request, response]) => [`${response.api} ${response.error}`, request, response] as const))(
    '%s',
    (_name, request, response) => {
      const { api } = questionOf(request, 99, asking);
      const records = response.api === 'Fetch' ? response.batches.map((each) => each.bytes as Buffer) : [];
      const body = answerOf(response, api.maxVersion, view, { records, logStartOffset: 0 });
      const leader = { nodeId: 2, host: 'node-2', port: 9092 };
      const heard = replyOf(request, sentResponse(api, api.maxVersion, body));
      expect(heard).toEqual({ kind: 'response', response, leader });
    },
  );

  test('to who speaks the first versions, it is not told', () => {
    for (const [request, response] of answers.slice(0, 4)) {
      const { api } = questionOf(request, 0, asking);
      const heard = replyOf(request, sentResponse(api, 0, answerOf(response, 0, view, NO_LOG)));
      expect(heard).toEqual({ kind: 'response', response, leader: undefined });
    }
  });

  test('a leader that is another by now is not looked for where the last one was', () => {
    const body = answerOf({ api: 'Vote', ...answer, leaderId: 3, granted: false }, 2, view, NO_LOG);
    expect(body).toMatchObject({ nodeEndpoints: [] });
  });
});

describe('an answer that nobody could have meant is a request that failed', () => {
  const failures = (request: SentRequest, response: RaftResponse, change: (partition: object) => object) => {
    const { api } = questionOf(request, 99, asking);
    const body = answerOf(response, api.maxVersion, view, NO_LOG) as { topics?: object[]; responses?: object[] };
    const [topic] = (body.topics ?? body.responses) as [{ partitions: [object] }];
    const changed = [{ ...topic, partitions: [change(topic.partitions[0])] }];
    const whole = { ...body, ...(body.topics ? { topics: changed } : { responses: changed }) };
    return replyOf(request, sentResponse(api, api.maxVersion, whole));
  };
  const [vote, fetched, diverging, snapshot] = [0, 4, 5, 8].map((index) => answers[index]!) as [Pair, Pair, Pair, Pair];
  const wrongCrc = Buffer.from(bytes);
  wrongCrc[wrongCrc.length - 2]! ^= 1;

  test.each<[string, ReturnType<typeof failures>, string]>([
    [
      'another partition',
      failures(...vote, (p) => ({ ...p, partitionIndex: 1 })),
      'it is not about __cluster_metadata',
    ],
    ['an error that we know nothing of', failures(...vote, (p) => ({ ...p, errorCode: 8 })), 'BROKER_NOT_AVAILABLE'],
    ['damaged records', failures(...fetched, (p) => ({ ...p, records: [wrongCrc] })), 'batch at offset 900'],
    ['records that are none', failures(...fetched, (p) => ({ ...p, records: [Buffer.alloc(80, 255)] })), 'batch'],
    [
      'half a place',
      failures(...diverging, (p) => ({ ...p, divergingEpoch: { epoch: 3, endOffset: -1 } })),
      'it has a diverging place at offset -1 in epoch 3',
    ],
    ['a piece of nothing', failures(...snapshot, (p) => ({ ...p, unalignedRecords: [] })), '0 bytes at 4096 of 5000'],
    ['a piece behind the end', failures(...snapshot, (p) => ({ ...p, size: 4_999 })), '904 bytes at 4096 of 4999'],
  ])('%s', (_name, reply, why) => {
    expect(reply).toEqual({ kind: 'failed', why: expect.stringContaining(why) });
  });

  test('an error of all of it', () => {
    for (const [request] of answers.slice(0, 9)) {
      const { api } = questionOf(request, 99, asking);
      const empty = api.name === 'Fetch' ? { responses: [] } : { topics: [] };
      const body = { errorCode: ERROR.INCONSISTENT_CLUSTER_ID, ...empty };
      expect(replyOf(request, sentResponse(api, api.maxVersion, body))).toEqual({
        kind: 'failed',
        why: 'INCONSISTENT_CLUSTER_ID',
      });
    }
    const body = sentResponse(UpdateRaftVoter, 0, { errorCode: ERROR.INCONSISTENT_CLUSTER_ID });
    expect(replyOf(answers[9]![0], body)).toEqual({ kind: 'failed', why: 'INCONSISTENT_CLUSTER_ID' });
  });
});

test('a new voter is first asked for its levels', () => {
  const { api, body } = { api: 'AddRaftVoter', body: { clusterId: null, timeoutMs: 9, voterId: 3 } } as const;
  const asked = { ...body, voterDirectoryId: directory(3), listeners: [found(3)], ackWhenCommitted: true };
  const taken = takeRequest(api, asked, leading, 1);
  const { minKraftVersion: _min, maxKraftVersion: _max, ...known } = voter(3);
  expect(taken).toEqual({ kind: 'addVoter', voter: known, timeoutMs: 9, ackWhenCommitted: true });
  if (taken.kind !== 'addVoter') throw new Error('unreachable');
  const request: RaftRequest = addVoterRequest(taken, { min: 0, max: 1 });
  expect(request).toEqual({ api, voter: voter(3), isReachable: true, timeoutMs: 9, ackWhenCommitted: true });
  expect(addVoterRequest(taken, undefined)).toMatchObject({ isReachable: false });
});

test('refusals are encodable in every version', () => {
  const refusals = [
    { kind: 'refused', error: 'INVALID_REQUEST' },
    { kind: 'refused', error: 'BROKER_NOT_AVAILABLE' },
    { kind: 'partitionRefused', error: 'INVALID_REQUEST' },
  ] as const;
  for (const [request] of answers) {
    const { api } = questionOf(request, 99, asking);
    for (
      let version = Math.max(api.minVersion, 13 * Number(api.name === 'Fetch'));
      version <= api.maxVersion;
      version++
    ) {
      for (const refusal of refusals) sentResponse(api, version, refusalAnswer(request.api, refusal, version, view));
    }
  }
});
