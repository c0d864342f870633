import { readRecords } from '@meridian/protocol/record-batch';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PublishBatchHeader, unpackBinary } from './frames.ts';
import { connect } from './sdk.ts';
import { createFakeWorld, type FakeSocket, ORIGIN, WELCOME } from './testing/fake-gateway.ts';

/** What happens to a publish frame that reaches the gateway. */
const FATES = ['taken', 'taken', 'taken', 'refused', 'unavailable', 'timeout', 'lost', 'answer lost'] as const;
type Fate = (typeof FATES)[number];

interface Batch {
  sequence: number;
  count: number;
  offset: number;
}

/** A region's log with Kafka's de-duplication, behind a gateway that has bad days. */
class ModelRegion {
  readonly logs = new Map<number, string[]>();
  private readonly producers = new Map<string, { next: number; batches: Batch[] }>();
  private sessions = 0;

  newSession(): string {
    return `S${++this.sessions}`;
  }

  /** The first one's offset, and whether they were there before; undefined: out of order. */
  append(session: string, partition: number, sequence: number, values: string[]): [number, boolean] | undefined {
    const key = `${session}/${partition}`;
    const producer = this.producers.get(key) ?? { next: sequence, batches: [] };
    this.producers.set(key, producer);
    const isKnown = (batch: Batch): boolean => batch.sequence === sequence && batch.count === values.length;
    const known = producer.batches.slice(-5).find(isKnown);
    if (known !== undefined) return [known.offset, true];
    if (sequence !== producer.next) return undefined;
    const log = this.logs.get(partition) ?? [];
    this.logs.set(partition, log);
    const offset = log.push(...values) - values.length;
    producer.next += values.length;
    producer.batches.push({ sequence, count: values.length, offset });
    return [offset, false];
  }
}

interface ReceivedPublish {
  id: number;
  partition: number;
  sequence: number;
  values: string[];
}

function readPublish(sent: FakeSocket['sent'][number]): ReceivedPublish | undefined {
  if (sent instanceof Uint8Array) {
    const { header, batches } = unpackBinary<PublishBatchHeader>(sent);
    const values = [...readRecords(batches)].map(({ value }) => new TextDecoder().decode(value as Uint8Array));
    return { ...(header as Required<PublishBatchHeader>), values };
  }
  if (sent.type !== 'publish') return undefined;
  const { id, partition = 0, sequence = 0, value } = sent;
  return { id, partition, sequence, values: [(value as { text: string }).text] };
}

/** Answers what the client has sent since the last call; false when the connection broke. */
function serve(
  region: ModelRegion,
  socket: FakeSocket,
  at: { sent: number; session: string },
  fates: () => Fate,
): boolean {
  while (at.sent < socket.sent.length) {
    const frame = readPublish(socket.sent[at.sent++] as FakeSocket['sent'][number]);
    if (frame === undefined) continue;
    const fate = fates();
    const error = (code: 'too-large' | 'unavailable' | 'timeout' | 'out-of-order-sequence', retryable: boolean) =>
      socket.receive({ type: 'error', id: frame.id, code, message: fate, retryable });
    if (fate === 'lost') return false;
    if (fate === 'refused') error('too-large', false);
    else if (fate === 'unavailable') error('unavailable', true);
    else {
      const { partition, sequence, values } = frame;
      const result = region.append(at.session, partition, sequence, values);
      if (fate === 'answer lost') return false;
      if (result === undefined) error('out-of-order-sequence', false);
      else if (fate === 'timeout') error('timeout', true);
      else {
        const [offset, duplicate] = result;
        const producer = { producerId: 1, producerEpoch: 0, session: at.session };
        socket.receive({
          type: 'published',
          id: frame.id,
          ...ORIGIN,
          partition,
          epoch: 0,
          offset,
          duplicate,
          ...producer,
        });
      }
    }
  }
  return true;
}

interface Scenario {
  fates: Fate[];
  /** Number of records that are published before the gateway answers again. */
  bursts: number[];
  /** For each reconnect: whether the session goes on. */
  goesOn: boolean[];
}

async function play({ fates, bursts, goesOn }: Scenario, protocol: 'json' | 'bin') {
  const world = createFakeWorld();
  const region = new ModelRegion();
  const nextFate = (): Fate => fates.shift() ?? 'taken';
  const connecting = connect({ urls: ['ws://eu'], token: 'T', protocol, runtime: world.runtime });
  const at = { sent: 0, session: '' };
  let seen: FakeSocket | undefined;
  const outcomes: { value: string; partition: number; result: string; offset: number }[] = [];
  const turn = async (delayMs: number): Promise<void> => {
    await world.pass(delayMs);
    const socket = world.socket;
    if (socket !== seen) {
      seen = socket;
      at.sent = 0;
      socket.open();
      const asked = socket.all('connect')[0]?.session;
      const resumed = asked !== undefined && (goesOn.shift() ?? true);
      at.session = resumed ? asked : region.newSession();
      socket.receive(resumed ? { ...WELCOME, session: asked } : WELCOME);
    }
    if (!socket.closed && !serve(region, socket, at, nextFate)) socket.drop(1006);
  };
  await turn(0);
  const meridian = await connecting;
  let count = 0;
  for (const burst of bursts) {
    for (let n = 0; n < burst; n += 1) {
      const value = `v${count++}`;
      const partition = count % 2;
      meridian.publish('t', { value, partition }, { idempotent: true }).then(
        ({ offset }) => outcomes.push({ value, partition, result: 'acknowledged', offset }),
        (error) => outcomes.push({ value, partition, result: error.code, offset: -1 }),
      );
      if (n % 3 === 2) await world.pass(0); // batches of a few, several of them on the wire
    }
    await turn(50);
  }
  for (let n = 0; n < 100 && outcomes.length < count; n += 1) await turn(1_000);
  await meridian.close();
  await world.pass(0);
  return { count, outcomes, region };
}

const PROTOCOLS = ['json', 'bin'] as const;

test.each(PROTOCOLS)(
  '%s: whatever happens on the way, what is acknowledged is in the log once, at its offset, in order',
  async (protocol) => {
    const scenario = fc.record({
      fates: fc.array(fc.constantFrom(...FATES), { maxLength: 40 }),
      bursts: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
      goesOn: fc.array(fc.boolean(), { maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async (input) => {
        const { count, outcomes, region } = await play(structuredClone(input), protocol);
        expect(outcomes).toHaveLength(count);
        for (const { value, partition, result, offset } of outcomes) {
          const log = region.logs.get(partition) ?? [];
          const copies = log.filter((other) => other === value).length;
          if (result === 'acknowledged') expect([log[offset], copies]).toEqual([value, 1]);
          else if (result === 'too-large' || result === 'not-sent') expect([value, copies]).toEqual([value, 0]);
          else expect(copies).toBeLessThanOrEqual(1);
        }
        for (const partition of [0, 1]) {
          const acknowledged = outcomes.filter((one) => one.result === 'acknowledged' && one.partition === partition);
          const inOrder = acknowledged.toSorted((a, b) => Number(a.value.slice(1)) - Number(b.value.slice(1)));
          expect(inOrder.map(({ offset }) => offset)).toEqual(
            acknowledged.map(({ offset }) => offset).sort((a, b) => a - b),
          );
        }
      }),
      { numRuns: 300 },
    );
  },
);
