/**
 * A broker process that bad input is tried on. Every trial has, besides what its test expects of the answer, the same five
 * outcomes: the process lives, its memory grew by less than a bound, its event loop was not held, the next client is
 * served, and the log has as many lines about it as said, none of them with what was sent.
 */
import { ApiVersions, CreateTopics, ERROR, FindCoordinator, Metadata, Produce } from '@meridian/protocol';
import { expect } from 'vitest';
import { batchOf, produceOf } from './batches.ts';
import { type BrokerProcess, startBrokerProcess } from './broker-process.ts';
import { RawClient } from './raw-client.ts';

const MAX_GROWTH_BYTES = 64 * 1_048_576;
const MAX_LINE_CHARS = 600;
const HELD_LOOP = 'the event loop was held';
const WARM_UP_REQUESTS = 200;
/** The held loop is looked for by the process itself, within this time. */
const SETTLE_MS = 60;
/** Inputs carry this where they carry text: no line of the log may. */
export const MARK = 'HOSTILE-PAYLOAD';

export interface Trial {
  readonly port?: number;
  /** Lines that the log gets: one, unless said otherwise. */
  readonly lines?: number;
  /** Memory that may be added for what the broker was asked to take as it is. */
  readonly extraBytes?: number;
}

export class Victim {
  readonly broker: BrokerProcess;

  constructor(broker: BrokerProcess) {
    this.broker = broker;
  }

  static async start(configs: Readonly<Record<string, string>> = {}): Promise<Victim> {
    const victim = new Victim(await startBrokerProcess(configs));
    await victim.with(async (client) => {
      const topics = [{ name: 'orders', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }];
      await client.request(CreateTopics, 7, { topics, timeoutMs: 5_000 });
      await client.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['group'] });
      for (let i = 0; i < WARM_UP_REQUESTS; i++) await client.request(Metadata, 12, { topics: null });
      expect(await produce(client, batchOf(['healthy']))).toBe(ERROR.NONE);
    });
    return victim;
  }

  async with<T>(run: (client: RawClient) => Promise<T>, port = this.broker.clientPort): Promise<T> {
    const client = await RawClient.connect(port);
    try {
      return await run(client);
    } finally {
      client.close();
    }
  }

  /** Runs the trial on a connection of its own and looks at the broker afterwards. */
  async unharmed<T>(run: (client: RawClient) => Promise<T>, trial: Trial = {}): Promise<T> {
    const { broker } = this;
    const before = broker.residentBytes();
    broker.peakBytes();
    const from = broker.lines.length;
    const result = await this.with(run, trial.port);
    const next = await this.with((client) => client.request(ApiVersions, 2, {}));
    expect(next.errorCode).toBe(ERROR.NONE);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    expect(broker.isAlive()).toBe(true);
    expect(broker.peakBytes() - before).toBeLessThan(MAX_GROWTH_BYTES + (trial.extraBytes ?? 0));
    const lines = broker.lines.slice(from).filter(({ level }) => level === 'warn' || level === 'error');
    expect(lines.filter(({ msg }) => msg === HELD_LOOP)).toEqual([]);
    expect(lines.map(({ text }) => text)).toHaveLength(trial.lines ?? 1);
    for (const { level, text } of lines) {
      expect(level).toBe('warn');
      expect(text.length).toBeLessThan(MAX_LINE_CHARS);
      expect(text).not.toContain(MARK);
    }
    return result;
  }

  /** Whether these bytes close the connection without an answer. */
  refuses(bytes: Buffer, trial: Trial = {}): Promise<boolean> {
    return this.unharmed((client) => {
      client.send(bytes);
      return client.isRefused();
    }, trial);
  }
}

/** The error code of a produce of one batch to `orders`. */
export async function produce(client: RawClient, batch: Buffer): Promise<number> {
  const { responses } = await client.request(Produce, 9, produceOf('orders', batch));
  return responses[0]!.partitionResponses[0]!.errorCode;
}

export function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

/** A request with a v1 header, and so without tags; its body in hex. */
export function plainRequest(apiKey: number, version: number, body: string): Buffer {
  const head = Buffer.from('0000000000000001ffff', 'hex');
  head.writeInt16BE(apiKey, 0);
  head.writeInt16BE(version, 2);
  return framed(Buffer.concat([head, Buffer.from(body, 'hex')]));
}

/** The same with a v2 header. */
export const flexibleRequest = (apiKey: number, version: number, body: string) =>
  plainRequest(apiKey, version, `00${body}`);
