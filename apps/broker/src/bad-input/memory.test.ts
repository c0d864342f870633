/**
 * Two hundred connections that each announce and send a request of 100 MB to a real broker process: memory stays within
 * what requests may take, whoever comes meanwhile is served, and in the end all of them are.
 */
import { ApiVersions, CreateTopics, ERROR } from '@meridian/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RawClient } from '../testing/raw-client.ts';
import { Victim } from '../testing/victim.ts';

const CONNECTIONS = 200;
const FRAME_BYTES = 104_857_600 - 4;
const REQUEST_MEMORY_BYTES = 64 * 1_048_576;
/** One frame that has its turn, and a chunk of every connection's. */
const BEYOND_BYTES = 2 * 104_857_600 + CONNECTIONS * 65_536;
const PIECE = Buffer.alloc(262_144);

let victim: Victim;
beforeAll(async () => {
  victim = await Victim.start({ 'queued.max.request.bytes': String(REQUEST_MEMORY_BYTES) });
});
afterAll(() => victim?.broker.stop());

/** The head of a Produce of one topic without a name, of a frame of 100 MB. */
function head(): Buffer {
  const bytes = Buffer.alloc(14);
  bytes.writeInt32BE(FRAME_BYTES, 0);
  bytes.writeInt16BE(9, 6);
  bytes.writeInt16BE(-1, 12);
  return bytes;
}

test('two hundred requests of 100 MB at once wait for memory, and others are served meanwhile', async () => {
  const trial = { lines: 0, extraBytes: REQUEST_MEMORY_BYTES + BEYOND_BYTES };
  await victim.unharmed(async (client) => {
    const many = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => RawClient.connect(victim.broker.clientPort)),
    );
    for (const each of many) each.send(Buffer.concat([head(), PIECE]));
    for (let round = 0; round < 20; round++) {
      for (const each of many) each.send(PIECE);
      expect((await client.request(ApiVersions, 2, {})).errorCode).toBe(ERROR.NONE);
    }
    const topics = [{ name: 'meanwhile', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
    expect((await client.request(CreateTopics, 7, { topics, timeoutMs: 5_000 })).topics[0]!.errorCode).toBe(ERROR.NONE);
    for (const each of many) each.close();
  }, trial);
});

test('once they are gone, their memory is there for others', async () => {
  await victim.unharmed(
    async (client) => {
      client.send(head());
      for (let sent = 10; sent < FRAME_BYTES; sent += PIECE.length) {
        if (!client.send(PIECE.subarray(0, Math.min(PIECE.length, FRAME_BYTES - sent)))) await client.drained();
      }
      expect(await client.isRefused()).toBe(true);
    },
    { extraBytes: 2 * 104_857_600 },
  );
});
