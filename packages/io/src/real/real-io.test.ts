/** What only the real twin can get wrong: the kernel's errors, and connections that break off. */
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { IO_ERRORS, type IoError } from '../errors.ts';
import type { Connection } from '../io.ts';
import { ioErrorFrom } from './errno.ts';
import { createRealIo } from './real-io.ts';

const io = createRealIo();

test.each([
  ['ENOENT', 'not-found'],
  ['ENOSPC', 'no-space'],
  ['EACCES', 'permission'],
  ['EMFILE', 'too-many-files'],
  ['EIO', 'io'],
  ['ECONNRESET', 'closed'],
  ['ETIMEDOUT', 'timeout'],
  ['EHOSTUNREACH', 'unreachable'],
] as const)('%s is told as %s, with what can be done about it', (errno, code) => {
  const cause = Object.assign(new Error('from the kernel'), { code: errno });
  const error = ioErrorFrom(cause, 'open /data/x');
  expect(error).toMatchObject({ code, cause });
  expect(error.message).toBe(`open /data/x (${errno}): ${IO_ERRORS[code]}`);
});

test.runIf(existsSync('/dev/full'))('a full disk is told as no-space', () => {
  const file = io.disk.open('/dev/full', 'r+');
  expect(() => file.writev([Buffer.alloc(10), Buffer.alloc(10_000)], 0)).toThrow(IO_ERRORS['no-space']);
  file.close();
});

test('a timer longer than the runtime can count does not go off at once', async () => {
  let ran = false;
  const timer = io.timers.after(2 ** 40, () => {
    ran = true;
  });
  await io.timers.sleep(5);
  timer.cancel();
  expect(ran).toBe(false);
});

/** A connection of ours, and the plain socket at its other end. */
async function accepted(): Promise<{ raw: Socket; connection: Connection }> {
  let hand: (connection: Connection) => void = () => {};
  const arrival = new Promise<Connection>((resolve) => {
    hand = resolve;
  });
  const listener = await io.net.listen({ host: '127.0.0.1', port: 0 }, (connection) => hand(connection));
  const raw = connect(listener.port, '127.0.0.1');
  const connection = await arrival;
  await listener.close();
  return { raw, connection };
}

test('a reset by the peer closes with a coded error, once', async () => {
  const { raw, connection } = await accepted();
  const closed = new Promise<Error | undefined>((resolve) => {
    connection.onClose = resolve;
  });
  raw.resetAndDestroy();
  expect(await closed).toMatchObject({ code: 'closed' });
});

test('what is written in one turn arrives in one piece', async () => {
  const { raw, connection } = await accepted();
  const chunk = new Promise<Buffer>((resolve) => raw.once('data', resolve));
  for (let index = 0; index < 20; index++) connection.write([Buffer.alloc(100), Buffer.alloc(100)]);
  expect((await chunk).length).toBe(4000);
  connection.destroy();
});

test('a peer that does not answer is given up after the timeout', async () => {
  const nowhere = io.net.connect({ host: '192.0.2.1', port: 9, timeoutMs: 50 });
  const error = await nowhere.catch((reason: IoError) => reason);
  expect(['timeout', 'unreachable', 'refused']).toContain((error as IoError).code);
});

test('a folder that cannot be made though its parent is there is an error, and not waited for without end', () => {
  const parent = existsSync('/proc/self') ? '/proc' : '/dev/null';
  expect(() => io.disk.makeFolder(`${parent}/meridian/data`)).toThrowError(
    expect.objectContaining({ name: 'IoError' }),
  );
});
