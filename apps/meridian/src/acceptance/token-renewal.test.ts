/** A client whose tokens live for seconds, and whose gateway is away for longer than that: it comes back and goes on. */
import { createRealIo } from '@meridian/io/real';
import { connect } from '@meridian/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signToken } from '../commands/token.ts';
import { type LocalPlatform, startLocalPlatform } from '../testing/local-platform.ts';

const LIFE_MS = 3_000;
const io = createRealIo();
let platform: LocalPlatform;

beforeAll(async () => {
  platform = await startLocalPlatform({ portOffset: 15_000 });
});
afterAll(() => platform?.stop());

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

async function until(done: () => boolean, limitMs: number): Promise<void> {
  for (const deadline = Date.now() + limitMs; !done(); await pause(50)) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms`);
  }
}

async function start(topic: string) {
  let tokens = 0;
  const meridian = await connect({
    urls: [platform.gateway('us-east')],
    token: () => {
      tokens++;
      const who = { tenant: 'acme', subject: 'short', allow: [`${topic}:read,write`], lifeMs: LIFE_MS };
      return signToken(io, platform.data, who);
    },
  });
  const seen: string[] = [];
  const subscription = meridian.subscribe(topic, { from: 'earliest' });
  const reading = (async () => {
    for await (const message of subscription) seen.push(message.text() ?? '');
  })();
  return { meridian, seen, reading, tokens: () => tokens };
}

test('a gateway that is killed and stays away longer than a token lives', async () => {
  const { meridian, seen, reading, tokens } = await start('killed');
  await meridian.publish('killed', { value: 'before' });
  await until(() => seen.length === 1, 10_000);
  const before = tokens();
  platform.kill('us-east', 'gateway', 'SIGSTOP');
  await pause(LIFE_MS + 1_500);
  platform.kill('us-east', 'gateway', 'SIGKILL');
  const { offset } = await meridian.publish('killed', { value: 'after' }, { idempotent: true });
  expect(offset).toBeGreaterThanOrEqual(0);
  await until(() => seen.length === 2, 10_000);
  expect(seen).toEqual(['before', 'after']);
  expect(tokens()).toBeGreaterThan(before);
  await meridian.close();
  await reading;
}, 60_000);

test('a gateway that stands still longer than a token lives, and then runs on', async () => {
  const { meridian, seen, reading } = await start('blocked');
  await meridian.publish('blocked', { value: 'before' });
  await until(() => seen.length === 1, 10_000);
  platform.kill('us-east', 'gateway', 'SIGSTOP');
  await pause(LIFE_MS * 2);
  platform.kill('us-east', 'gateway', 'SIGCONT');
  await meridian.publish('blocked', { value: 'after' }, { idempotent: true });
  await until(() => seen.length === 2, 10_000);
  expect(seen).toEqual(['before', 'after']);
  await meridian.close();
  await reading;
}, 60_000);
