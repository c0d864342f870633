/** A client's request on its way to the active controller and back. */
import { ClientError } from '@meridian/client';
import {
  type Api,
  CreateTopics,
  DeleteTopics,
  DescribeQuorum,
  ElectLeaders,
  Envelope,
  ERROR,
  encodeRequest,
  type RequestInput,
  type ResponseOf,
  UnregisterBroker,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { BrokerError } from '../errors.ts';
import type { ChannelCall } from '../peers/controller-channel.ts';
import { callLocally, localSource, withoutLength } from '../peers/local-call.ts';
import { createEnvelopeHandler } from './58-envelope.ts';
import { addressBytes, addressText, listenerOf, principalOf } from './forwarded-client.ts';
import { createForwarding } from './forwarding.ts';
import { type AnyHandler, CLOSE, type Handler, type RequestHeader } from './handler.ts';

const TOPICS = {
  timeoutMs: 5_000,
  validateOnly: false,
  topics: [{ name: 'a', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
};
const CREATED = { topics: [{ name: 'a', errorCode: ERROR.NONE, numPartitions: 1 }] };

function headerOf(given: Partial<RequestHeader['source']> = {}, version: number = CreateTopics.maxVersion) {
  const source = localSource({ listener: 'client', remoteAddress: '10.0.0.7', ...given });
  return { version, clientId: 'admin', source, answer: () => {}, onAbandon: undefined } as RequestHeader<never> & {
    onAbandon: (() => void) | undefined;
  };
}

/** The handler of the active controller; notes who it sees. */
function creating(decide: () => unknown = () => CREATED) {
  const seen: unknown[] = [];
  const handler: AnyHandler = {
    api: CreateTopics,
    async handle(request: never, { version, clientId, source }: RequestHeader) {
      seen.push({ request, version, clientId, listener: source.listener, from: source.remoteAddress });
      return decide();
    },
  };
  return { handler, seen };
}

/** A node that forwards everything to a node that is active, or not. */
function setUp(options: { isActive?: boolean; there?: AnyHandler; isActiveThere?: boolean; fail?: ClientError } = {}) {
  const calls: ChannelCall[] = [];
  const envelope = createEnvelopeHandler(
    { isActive: () => options.isActiveThere ?? true },
    options.there ? [options.there] : [],
  );
  const channel = {
    isLocal: false,
    send<A extends Api>(api: A, body: RequestInput<A>, call: ChannelCall): Promise<ResponseOf<A>> {
      calls.push(call);
      return options.fail ? Promise.reject(options.fail) : callLocally(envelope, api, body);
    },
  };
  const reach = { isActive: () => options.isActive ?? false, channel };
  return { reach, calls };
}

test('a request is handled at the active controller as if the client had come there, and its answer comes back', async () => {
  const { handler, seen } = creating();
  const { reach, calls } = setUp({ there: handler });
  const here = creating();
  const answer = await createForwarding(here.handler, reach).handle(TOPICS as never, headerOf());
  expect(answer).toMatchObject(CREATED);
  expect(here.seen).toEqual([]);
  expect(seen).toMatchObject([
    { version: CreateTopics.maxVersion, clientId: 'admin', listener: 'client', from: '10.0.0.7' },
  ]);
  expect(seen).toMatchObject([{ request: TOPICS }]);
  expect(calls[0]!.timeoutMs).toBe(5_000);
});

test('what came in on the internal listener is an internal request there, too', async () => {
  const { handler, seen } = creating();
  const { reach } = setUp({ there: handler });
  await createForwarding(handler, reach).handle(TOPICS as never, headerOf({ listener: 'internal' }, 2));
  expect(seen).toMatchObject([{ listener: 'internal', version: 2 }]);
});

test('on the active controller the handler is called, until it turns out that another one decides', async () => {
  const here = creating();
  const local = setUp({ isActive: true });
  expect(await createForwarding(here.handler, local.reach).handle(TOPICS as never, headerOf())).toEqual(CREATED);
  expect(local.calls).toEqual([]);
  const there = creating();
  const { reach } = setUp({ isActive: true, there: there.handler });
  const moved = creating(() => {
    throw new BrokerError('not-controller', 'node 1');
  });
  expect(await createForwarding(moved.handler, reach).handle(TOPICS as never, headerOf())).toMatchObject(CREATED);
  expect(there.seen).toHaveLength(1);
});

test('without a controller the client is told in time, for each thing that it named', async () => {
  const { reach, calls } = setUp({ fail: new ClientError('timeout', 'nobody leads') });
  const errorCode = ERROR.REQUEST_TIMED_OUT;
  const answerTo = (api: Api, request: object) =>
    createForwarding({ api, handle: () => CLOSE }, reach).handle(request as never, headerOf({}, api.maxVersion));
  expect(await answerTo(CreateTopics, TOPICS)).toMatchObject({ topics: [{ name: 'a', errorCode }] });
  const ids = { topics: [{ name: 'b', topicId: 'x' }], topicNames: ['c'], timeoutMs: 90_000 };
  expect(await answerTo(DeleteTopics, { ...ids, topics: [] })).toMatchObject({ responses: [{ name: 'c', errorCode }] });
  expect(await answerTo(ElectLeaders, { electionType: 0, topicPartitions: null, timeoutMs: 1 })).toMatchObject({
    errorCode,
  });
  expect(await answerTo(UnregisterBroker, { brokerId: 9 })).toMatchObject({ errorCode });
  expect(await answerTo(DescribeQuorum, { topics: [] })).toMatchObject({ errorCode, topics: [] });
  expect(calls.map(({ timeoutMs }) => timeoutMs)).toEqual([5_000, 60_000, 1_000, 30_000, 30_000]);
});

test('when the client is gone nobody waits for the answer any more', async () => {
  const { handler } = creating(() => new Promise(() => {}));
  const { reach, calls } = setUp({ there: handler });
  const header = headerOf();
  void createForwarding(handler, reach).handle(TOPICS as never, header);
  await Promise.resolve();
  expect(calls[0]!.signal?.aborted).toBe(false);
  header.onAbandon?.();
  expect(calls[0]!.signal?.aborted).toBe(true);
});

test('a version that the controller does not speak costs the connection, as in Apache Kafka', async () => {
  const old: AnyHandler = { api: { ...CreateTopics, maxVersion: 5 }, handle: () => CREATED };
  const { reach } = setUp({ there: old });
  expect(await createForwarding(creating().handler, reach).handle(TOPICS as never, headerOf())).toBe(CLOSE);
});

test('an error of the envelope is none that the client could make sense of, and is told to the log', async () => {
  const { reach } = setUp();
  const refused: string[] = [];
  const header = headerOf({ refused: (reason) => refused.push(reason) });
  const answer = await createForwarding(creating().handler, reach).handle(TOPICS as never, header);
  expect(answer).toMatchObject({ topics: [{ errorCode: ERROR.UNKNOWN_SERVER_ERROR }] });
  expect(refused).toHaveLength(1);
});

type Enveloped = RequestInput<typeof Envelope>;

function envelopeOf(api: Api, body: unknown, changes: Partial<Enveloped> = {}): Enveloped {
  const frame = encodeRequest(api, api.maxVersion, { correlationId: 7, clientId: null }, body as never);
  const good = {
    requestData: withoutLength(frame),
    requestPrincipal: principalOf('client'),
    clientHostAddress: Buffer.alloc(4),
  };
  return { ...good, ...changes };
}

test.each<[string, Enveloped, number]>([
  [
    'no principal',
    envelopeOf(CreateTopics, TOPICS, { requestPrincipal: null }),
    ERROR.PRINCIPAL_DESERIALIZATION_FAILURE,
  ],
  [
    'a principal of another version',
    envelopeOf(CreateTopics, TOPICS, { requestPrincipal: Buffer.from([0, 1, 0]) }),
    ERROR.PRINCIPAL_DESERIALIZATION_FAILURE,
  ],
  [
    'a broken principal',
    envelopeOf(CreateTopics, TOPICS, { requestPrincipal: Buffer.from([0, 0, 99]) }),
    ERROR.PRINCIPAL_DESERIALIZATION_FAILURE,
  ],
  ['no address', envelopeOf(CreateTopics, TOPICS, { clientHostAddress: Buffer.alloc(3) }), ERROR.INVALID_REQUEST],
  ['nothing inside', envelopeOf(CreateTopics, TOPICS, { requestData: Buffer.alloc(0) }), ERROR.UNSUPPORTED_VERSION],
  [
    'half a request',
    envelopeOf(CreateTopics, TOPICS, { requestData: envelopeOf(CreateTopics, TOPICS).requestData.subarray(0, 20) }),
    ERROR.UNSUPPORTED_VERSION,
  ],
  ['an envelope', envelopeOf(Envelope, envelopeOf(CreateTopics, TOPICS)), ERROR.INVALID_REQUEST],
  ['an api that brokers answer', envelopeOf(DescribeQuorum, { topics: [] }), ERROR.INVALID_REQUEST],
  [
    'an api that nobody knows',
    envelopeOf(CreateTopics, TOPICS, { requestData: Buffer.from('00630000000000010000', 'hex') }),
    ERROR.INVALID_REQUEST,
  ],
])('an envelope with %s is answered with an error of its own', async (_, request, errorCode) => {
  const { handler, seen } = creating();
  const answer = await callLocally(createEnvelopeHandler({ isActive: () => true }, [handler]), Envelope, request);
  expect(answer).toEqual({ errorCode, responseData: null });
  expect(seen).toEqual([]);
});

test('a node that is not, or is no longer, the active controller says so', async () => {
  const { handler } = creating();
  const asked = envelopeOf(CreateTopics, TOPICS);
  const inactive = createEnvelopeHandler({ isActive: () => false }, [handler]);
  expect(await callLocally(inactive, Envelope, asked)).toMatchObject({ errorCode: ERROR.NOT_CONTROLLER });
  const failing = (code: 'not-controller' | 'controller-overloaded'): Handler<typeof Envelope> =>
    createEnvelopeHandler({ isActive: () => true }, [
      creating(() => Promise.reject(new BrokerError(code, 'x'))).handler,
    ]);
  expect(await callLocally(failing('not-controller'), Envelope, asked)).toMatchObject({
    errorCode: ERROR.NOT_CONTROLLER,
  });
  const overloaded = await callLocally(failing('controller-overloaded'), Envelope, asked);
  expect(overloaded).toMatchObject({ errorCode: ERROR.UNKNOWN_SERVER_ERROR });
});

test('the client’s listener and address survive the way, as Kafka writes them', () => {
  expect([listenerOf(principalOf('client')), listenerOf(principalOf('internal'))]).toEqual(['client', 'internal']);
  expect(principalOf('client').toString('hex')).toBe('000005557365720a414e4f4e594d4f55530000');
  const there = (text: string): string | undefined => addressText(addressBytes(text));
  expect([there('10.1.2.3'), there('::ffff:10.1.2.3'), there('broker-1')]).toEqual(['10.1.2.3', '10.1.2.3', '0.0.0.0']);
  expect([there('::1'), there('2001:db8::5:6')]).toEqual(['0:0:0:0:0:0:0:1', '2001:db8:0:0:0:0:5:6']);
});
