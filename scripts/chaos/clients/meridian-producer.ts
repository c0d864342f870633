/**
 * Our own client, idempotent: a batch at a time to every partition, all partitions side by side. After a produce whose outcome is
 * unknown a new producer id, under another name, goes on.
 */

import { type Client, createClient } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { ERROR } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { type ChaosClient, type ChaosContext, padded, recordName } from './chaos-client.ts';

const BATCH = 5;
const PAUSE_MS = 30;
const PRODUCE_LIMIT_MS = 60_000;
const RETRY_MS = 200;

const pause = (delayMs: number) => new Promise((done) => setTimeout(done, delayMs));

export function startMeridianProducer(name: string, context: ChaosContext): ChaosClient {
  const bootstrap = context.bootstrap.split(',').map((address) => {
    const [host = '', port = ''] = address.split(':');
    return { host, port: Number(port) };
  });
  const client = createClient({ io: createRealIo(), bootstrap, clientId: name, log: silentLogger });
  let isWanted = true;
  const works = Array.from({ length: context.partitions }, async (_, partition) => {
    for (let life = 1; isWanted; life++) {
      await live(client, `${name}-${partition}.${life}`, partition, context, () => isWanted);
    }
  });
  return {
    name,
    async stop() {
      isWanted = false;
      await Promise.all(works);
      await client.close();
    },
  };
}

/** Until an outcome is unknown. */
async function live(
  client: Client,
  writer: string,
  partition: number,
  { topic, ledger }: ChaosContext,
  isWanted: () => boolean,
): Promise<void> {
  const producer = await client.initProducerId().catch(() => pause(RETRY_MS));
  if (typeof producer !== 'object' || producer === null) return;
  for (let number = 0; isWanted(); number += BATCH) {
    const values = Array.from({ length: BATCH }, (_, index) => recordName(writer, number + index));
    const told = await produce(client, topic, partition, values, {
      ...(producer as { producerId: number; producerEpoch: number }),
      number,
    });
    values.forEach((value, index) => {
      if (typeof told === 'string') ledger.unknown(value, partition, told);
      else ledger.acknowledged(value, partition, told < 0 ? -1 : told + index);
    });
    if (typeof told === 'string') return;
    await pause(PAUSE_MS);
  }
}

/** The base offset, −1 if it was appended earlier; or why nobody knows. */
async function produce(
  client: Client,
  topic: string,
  partition: number,
  values: readonly string[],
  { producerId, producerEpoch, number }: { producerId: number; producerEpoch: number; number: number },
): Promise<number | string> {
  const timestamp = Date.now();
  const records = values.map((value) => ({ timestamp, value: Buffer.from(padded(value)) }));
  const batch = Buffer.from(writeBatch({ records, producerId, producerEpoch, baseSequence: number }));
  try {
    const { errorCode, errorMessage, baseOffset } = await client.produce(topic, partition, [batch], {
      timeoutMs: PRODUCE_LIMIT_MS,
    });
    if (errorCode === ERROR.DUPLICATE_SEQUENCE_NUMBER) return -1;
    return errorCode === ERROR.NONE ? baseOffset : (errorMessage ?? `error ${errorCode}`);
  } catch (error) {
    return (error as Error).message;
  }
}
