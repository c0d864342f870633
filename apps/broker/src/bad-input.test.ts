/**
 * Hostile bytes on the wire of a real broker process. Besides its own expectation every case has three: memory grows by
 * less than a bound, another client's round trips never take long, and the next client is served.
 */

import {
  ApiVersions,
  CreateTopics,
  compress,
  DeleteRecords,
  ERROR,
  encodeRequest,
  Fetch,
  FindCoordinator,
  JoinGroup,
  Metadata,
  Produce,
  SaslAuthenticate,
  SaslHandshake,
  SyncGroup,
  ZERO_UUID,
} from '@meridian/protocol';
import { crc32c } from '@meridian/protocol/record-batch';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchOf, produceOf } from './testing/batches.ts';
import { type BrokerProcess, RawClient, startBrokerProcess } from './testing/broker-process.ts';

const PORT = 34_000;
const MAX_GROWTH_BYTES = 64 * 1_048_576;
/** What is aimed at is 200 ms on a machine of its own; the suites share two cores, and a test must not fail for that. */
const MAX_STALL_MS = 1_000;
const PROBE_EVERY_MS = 10;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const RECORD_COUNT_AT = 57;
const HEADER = { correlationId: 1, clientId: 'test' };

let broker: BrokerProcess;

beforeAll(async () => {
  broker = await startBrokerProcess(PORT);
  await withClient(async (client) => {
    const topics = [{ name: 'orders', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
    await client.request(CreateTopics, 7, { topics, timeoutMs: 5_000 });
    await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['group'] });
    for (let i = 0; i < 200; i++) await client.request(Metadata, 12, { topics: null });
    const healthy = await client.request(Produce, 9, produceOf('orders', fresh(['healthy'])));
    expect(healthy.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
  });
});

afterAll(() => broker?.stop());

async function withClient<T>(run: (client: RawClient) => Promise<T>, port = broker.clientPort): Promise<T> {
  const client = await RawClient.connect(port);
  try {
    return await run(client);
  } finally {
    client.close();
  }
}

/** Runs a case while a second client counts its round trips, and looks at the broker afterwards. */
async function unharmed<T>(run: (client: RawClient) => Promise<T>, port?: number): Promise<T> {
  const before = broker.residentBytes();
  const probe = await RawClient.connect(broker.clientPort);
  let isOver = false;
  let worstMs = 0;
  const probing = (async () => {
    while (!isOver) {
      const sentMs = performance.now();
      await probe.request(Metadata, 12, { topics: [] });
      worstMs = Math.max(worstMs, performance.now() - sentMs);
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
    }
  })();
  const result = await withClient(run, port).finally(() => {
    isOver = true;
  });
  await probing;
  probe.close();
  expect(broker.isAlive()).toBe(true);
  expect(worstMs).toBeLessThan(MAX_STALL_MS);
  expect(broker.residentBytes() - before).toBeLessThan(MAX_GROWTH_BYTES);
  const next = await withClient((client) => client.request(ApiVersions, 2, {}));
  expect(next.errorCode).toBe(ERROR.NONE);
  return result;
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** A request with a v1 header, and so without tags. */
function plainRequest(apiKey: number, version: number, body: string): Buffer {
  const head = Buffer.from('0000000000000001ffff', 'hex');
  head.writeInt16BE(apiKey, 0);
  head.writeInt16BE(version, 2);
  return framed(Buffer.concat([head, Buffer.from(body, 'hex')]));
}

/** The same with a v2 header. */
const flexibleRequest = (apiKey: number, version: number, body: string) => plainRequest(apiKey, version, `00${body}`);

/** A fetch of a million topics without name or partitions, three bytes each, well-formed to its end. */
const MILLION_TOPICS = `ffffffff0000006400000001001000000000000000ffffffffc1843d${'010100'.repeat(1_000_000)}010100`;

const refused = (bytes: Buffer, port?: number) =>
  unharmed((client) => {
    client.send(bytes);
    return client.isRefused();
  }, port);

test.each([
  ['a length of -1', Buffer.from('ffffffff', 'hex')],
  ['a length above the limit', Buffer.from('0640000100', 'hex')],
  ['a length of 0', Buffer.from('00000000', 'hex')],
  ['a length of 2^31-1 with three bytes behind', Buffer.from('7fffffff010203', 'hex')],
  ['a count of 2^31-1', plainRequest(3, 4, '7fffffff00')],
  ['a count of what remains and one', plainRequest(3, 4, `00000012${'00'.repeat(17)}`)],
  ['a million empty elements', flexibleRequest(1, 12, MILLION_TOPICS)],
  ['a varint of ten bytes', flexibleRequest(3, 12, 'ffffffffffffffffff01')],
  ['a string of length -2', plainRequest(3, 4, '00000001fffe00')],
  ['a huge count of tags', plainRequest(3, 12, 'ffffffff0f')],
  ['a tag twice', plainRequest(3, 12, '0200000000')],
  ['tags that descend', plainRequest(3, 12, '0205000100')],
  ['an unknown api', plainRequest(999, 0, '')],
  ['version -1', plainRequest(3, -1, '00000000')],
  ['version 32767', plainRequest(3, 32_767, '00000000')],
  ['a request of brokers: LeaderAndIsr', plainRequest(4, 0, '00000000')],
  ['a request of brokers: WriteTxnMarkers', plainRequest(27, 1, '00000000')],
  ['a request of brokers: Envelope', plainRequest(58, 0, '00000000')],
])('%s closes the connection', async (_name, bytes) => {
  expect(await refused(bytes)).toBe(true);
});

test('a length and then silence takes no memory', async () => {
  await unharmed(async (client) => {
    client.send(Buffer.from('06000000', 'hex'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(client.closed).toBe(false);
  });
});

test('an unknown tag of a megabyte is passed over and not kept', async () => {
  await unharmed(async (client) => {
    // Tag 99 with 2^20 bytes, then no topics, no creation, no operations, no tags.
    const tag = Buffer.concat([Buffer.from('0163808040', 'hex'), Buffer.alloc(1_048_576)]);
    const head = Buffer.from('0003000c00000001ffff', 'hex');
    for (let i = 0; i < 20; i++) client.send(framed(Buffer.concat([head, tag, Buffer.from('01000000', 'hex')])));
    for (let i = 0; i < 20; i++) await client.frame();
  });
});

test('ApiVersions v99 is answered in v0 with error 35', async () => {
  await unharmed(async (client) => {
    client.send(plainRequest(18, 99, ''));
    expect((await client.frame()).readInt16BE(4)).toBe(ERROR.UNSUPPORTED_VERSION);
  });
});

/** Timestamps of now: old ones are fine, but say nothing. */
function fresh(values: readonly string[]): Buffer {
  return batchOf(values);
}

/** Changes a good batch, and makes its checksum right again. */
function forged(change: (batch: Buffer) => void, batch = fresh(['one', 'two'])): Buffer {
  change(batch);
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT, batch.length), CRC_AT);
  return batch;
}

/** A batch that says to be compressed and has these bytes as records. */
function packed(codec: number, payload: Uint8Array): Buffer {
  const head = fresh(['one']).subarray(0, 61);
  const batch = Buffer.concat([head, payload]);
  batch.writeInt32BE(batch.length - 12, 8);
  return forged((bytes) => bytes.writeInt16BE(codec, ATTRIBUTES_AT), batch);
}

const bomb = (codec: 'gzip' | 'snappy' | 'lz4' | 'zstd') => compress(codec, Buffer.alloc(100_000_000));

test.each<[string, () => Buffer, readonly number[]]>([
  ['a wrong checksum', () => Buffer.from(fresh(['x'])).fill(1, CRC_AT, CRC_AT + 4), [ERROR.CORRUPT_MESSAGE]],
  ['magic 0', () => forged((batch) => batch.writeInt8(0, 16)), [ERROR.INVALID_RECORD]],
  ['magic 1', () => forged((batch) => batch.writeInt8(1, 16)), [ERROR.INVALID_RECORD]],
  ['magic 3', () => forged((batch) => batch.writeInt8(3, 16)), [ERROR.CORRUPT_MESSAGE]],
  [
    'a batch longer than the bytes',
    () => forged((batch) => batch.writeInt32BE(2 ** 31 - 1, 8)),
    [ERROR.INVALID_RECORD],
  ],
  ['a negative length', () => forged((batch) => batch.writeInt32BE(-1, 8)), [ERROR.CORRUPT_MESSAGE]],
  [
    'more records than there are',
    () => forged((batch) => batch.writeInt32BE(3, RECORD_COUNT_AT)),
    [ERROR.INVALID_RECORD],
  ],
  ['2^31-1 records', () => forged((batch) => batch.writeInt32BE(2 ** 31 - 1, RECORD_COUNT_AT)), [ERROR.INVALID_RECORD]],
  ['gaps between offsets', () => forged((batch) => batch.writeInt32BE(9, 23)), [ERROR.INVALID_RECORD]],
  ['the control bit', () => forged((batch) => batch.writeInt16BE(0x20, ATTRIBUTES_AT)), [ERROR.INVALID_RECORD]],
  ['a producer id without epoch', () => forged((batch) => void batch.writeBigInt64BE(5n, 43)), [ERROR.INVALID_RECORD]],
  [
    'the largest timestamp',
    () => forged((batch) => void batch.writeBigInt64BE(2n ** 63n - 1n, 27)),
    [ERROR.INVALID_TIMESTAMP, ERROR.INVALID_RECORD],
  ],
  ['a gzip bomb', () => packed(1, bomb('gzip')), [ERROR.MESSAGE_TOO_LARGE]],
  ['a zstd bomb', () => packed(4, bomb('zstd')), [ERROR.MESSAGE_TOO_LARGE]],
  ['an lz4 bomb', () => packed(3, bomb('lz4').subarray(0, 900_000)), [ERROR.MESSAGE_TOO_LARGE, ERROR.INVALID_RECORD]],
  [
    'a snappy length that lies',
    () => packed(2, Buffer.from('ffffffff0f00', 'hex')),
    [ERROR.MESSAGE_TOO_LARGE, ERROR.INVALID_RECORD],
  ],
  [
    'a zstd window of 2 GB',
    () => packed(4, Buffer.from('28b52ffd00a8010000', 'hex')),
    [ERROR.MESSAGE_TOO_LARGE, ERROR.INVALID_RECORD],
  ],
])('a produce with %s is refused by itself', async (_name, make, codes) => {
  const request = Buffer.concat(encodeRequest(Produce, 9, HEADER, produceOf('orders', make())));
  const code = await unharmed(async (client) => {
    client.send(request);
    const frame = await client.frame();
    const good = await client.request(Produce, 9, produceOf('orders', fresh(['after'])));
    expect(good.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
    return codeOfProduce(frame);
  });
  expect(codes).toContain(code);
});

/** Behind correlation id, tags, one topic of six letters, and one partition's index. */
const codeOfProduce = (frame: Buffer): number => frame.readInt16BE(4 + 1 + 1 + 7 + 1 + 4);

test('clients cannot write to internal topics, the admin client of Kafka’s tools can', async () => {
  const codes = await unharmed(async (client) => {
    const produce = (clientId: string) =>
      client.request(Produce, 9, produceOf('__consumer_offsets', fresh(['x'])), clientId);
    const answers = [await produce('test'), await produce('__admin_client')];
    return answers.map(({ responses }) => responses[0]!.partitionResponses[0]!.errorCode);
  });
  expect(codes[0]).toBe(ERROR.INVALID_TOPIC_EXCEPTION);
  expect(codes[1]).not.toBe(ERROR.INVALID_TOPIC_EXCEPTION);
});

const askOf = (count: number) =>
  Array.from({ length: count }, (_, partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 2 ** 31 - 1 }));
const fetchOf = (count: number, more: object) => ({
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 2 ** 31 - 1,
  topics: [{ topic: 'orders', topicId: ZERO_UUID, partitions: askOf(count) }],
  ...more,
});

test('a fetch of a replica is refused, partition by partition', async () => {
  const answer = await unharmed((client) => client.request(Fetch, 12, fetchOf(1, { replicaId: 1 })));
  const [partition] = answer.responses[0]!.partitions;
  expect([partition!.errorCode, Buffer.concat(partition!.records ?? []).length]).toEqual([
    ERROR.TOPIC_AUTHORIZATION_FAILED,
    0,
  ]);
});

test('a fetch of a replica is refused in the newer form, too, and by id', async () => {
  const answer = await unharmed((client) =>
    client.request(Fetch, 17, fetchOf(1, { replicaState: { replicaId: 0, replicaEpoch: 1 } })),
  );
  expect(answer.responses[0]!.partitions[0]!.errorCode).toBe(ERROR.TOPIC_AUTHORIZATION_FAILED);
});

test('a guessed fetch session does not exist', async () => {
  const answer = await unharmed((client) => client.request(Fetch, 12, fetchOf(0, { sessionId: 7, sessionEpoch: 3 })));
  expect(answer.errorCode).toBe(ERROR.FETCH_SESSION_ID_NOT_FOUND);
});

test('a fetch of 10,000 partitions and of all bytes is answered', async () => {
  const answer = await unharmed((client) => client.request(Fetch, 12, fetchOf(10_000, { sessionEpoch: -1 })));
  expect(answer.responses[0]!.partitions).toHaveLength(10_000);
});

test('nothing but SASL passes before authentication, and no long request', async () => {
  expect(await refused(plainRequest(3, 4, '0000000000'), broker.internalPort)).toBe(true);
  expect(
    await refused(Buffer.concat([Buffer.from('00100000', 'hex'), Buffer.alloc(200_000)]), broker.internalPort),
  ).toBe(true);
  const plain = await unharmed(
    (client) => client.request(SaslHandshake, 1, { mechanism: 'PLAIN' }),
    broker.internalPort,
  );
  expect(plain.errorCode).toBe(ERROR.UNSUPPORTED_SASL_MECHANISM);
});

test('out of order, or with a forged proof, SASL fails and closes the connection', async () => {
  await unharmed(async (client) => {
    const { errorCode } = await client.request(SaslAuthenticate, 2, {
      authBytes: Buffer.from('n,a=root,n=internal,r=x'),
    });
    expect(errorCode).toBe(ERROR.ILLEGAL_SASL_STATE);
    expect(await client.isRefused()).toBe(true);
  }, broker.internalPort);
  for (const first of [
    'n,a=root,n=internal,r=abcdefgh',
    'n,,n=internal,r=',
    'y,,n=\u0000,r=abcdefgh',
    'n,,m=x,n=internal,r=abc',
  ]) {
    await unharmed(async (client) => {
      await client.request(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
      const { errorCode } = await client.request(SaslAuthenticate, 2, { authBytes: Buffer.from(first) });
      expect(errorCode).toBe(ERROR.SASL_AUTHENTICATION_FAILED);
      expect(await client.isRefused()).toBe(true);
    }, broker.internalPort);
  }
});

test('forged members and generations are unknown to a group', async () => {
  const member = { groupId: 'group', memberId: 'forged', generationId: -1, assignments: [] };
  const answer = await unharmed((client) => client.request(SyncGroup, 3, member));
  expect(answer.errorCode).toBe(ERROR.UNKNOWN_MEMBER_ID);
});

test('a subscription of a megabyte from a forged member is refused', async () => {
  const join = {
    groupId: 'group',
    memberId: 'forged',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(1_048_576) }],
  };
  const answer = await unharmed((client) => client.request(JoinGroup, 5, join));
  expect(answer.errorCode).toBe(ERROR.UNKNOWN_MEMBER_ID);
});

test('a thousand forged members leave nothing behind', async () => {
  await unharmed(async (client) => {
    for (let i = 0; i < 1_000; i++) {
      const { errorCode } = await client.request(SyncGroup, 3, {
        groupId: `no-group-${i}`,
        memberId: `forged-${i}`,
        generationId: 2 ** 31 - 1,
        assignments: [{ memberId: 'other', assignment: Buffer.alloc(10_000) }],
      });
      expect(errorCode).toBe(ERROR.UNKNOWN_MEMBER_ID);
    }
  });
});

test('a million partitions, an unknown config and deletes beyond the end are refused', async () => {
  await unharmed(async (client) => {
    const topic = { name: 'many', numPartitions: 1_000_000, replicationFactor: 1, assignments: [], configs: [] };
    const configs = [{ name: 'retention.ms\nbroker.secret', value: '1' }];
    const topics = [topic, { ...topic, name: 'injected', numPartitions: 1, configs }];
    const created = await client.request(CreateTopics, 7, { topics, timeoutMs: 5_000 });
    for (const { errorCode } of created.topics) expect(errorCode).not.toBe(ERROR.NONE);
    const beyond = { name: 'orders', partitions: [{ partitionIndex: 0, offset: 1_000_000 }] };
    const deleted = await client.request(DeleteRecords, 2, { topics: [beyond], timeoutMs: 5_000 });
    expect(deleted.topics[0]!.partitions[0]!.errorCode).toBe(ERROR.OFFSET_OUT_OF_RANGE);
  });
});
