/**
 * kafkajs: producer (plain, gzip, idempotent) and its own fetch and decoding of what the broker answers. Its consumer
 * needs the group protocol, so records are read back through its broker connection.
 */
import assert from 'node:assert/strict';
import { CompressionTypes } from 'kafkajs';
import { connectProducer, kafkaClient, readBack, sendAll } from '../../apps/meridian/src/testing/kafkajs-clients.ts';
import type { CompatCheck, CompatClient } from './compat-client.ts';

export const kafkajsClient: CompatClient = {
  name: 'kafkajs',
  install: () => {},
  checks: [
    roundTrip('plain', CompressionTypes.None, false),
    roundTrip('gzip', CompressionTypes.GZIP, false),
    roundTrip('idempotent', CompressionTypes.None, true),
    {
      name: 'creates, lists and deletes topics',
      run: async (platform) => {
        const admin = kafkaClient(platform.kafka('us-east')).admin();
        await admin.connect();
        await admin.createTopics({ topics: [{ topic: 'acme.made', numPartitions: 3 }] });
        assert.ok((await admin.listTopics()).includes('acme.made'));
        await admin.deleteTopics({ topics: ['acme.made'] });
        assert.ok(!(await admin.listTopics()).includes('acme.made'));
        await admin.disconnect();
      },
    },
  ],
};

function roundTrip(what: string, compression: CompressionTypes, idempotent: boolean): CompatCheck {
  return {
    name: `writes ${what} records and reads them back`,
    run: async (platform) => {
      const topic = `acme.kafkajs-${what}`;
      const records = Array.from({ length: 2_000 }, (_, n) => ({ key: `k${n % 31}`, value: `${what} ${n}` }));
      const producer = await connectProducer(platform.kafka('us-east'), { idempotent });
      await sendAll(producer, topic, records, { chunk: 250, compression });
      await producer.disconnect();
      const back = await readBack(platform.kafka('us-east'), topic);
      assert.deepEqual(back.map(({ value }) => value).sort(), records.map(({ value }) => value).sort());
    },
  };
}
