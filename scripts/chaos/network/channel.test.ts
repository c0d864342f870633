import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Channel } from './channel.ts';

const cut = new Set<string>();
const open: { close?: () => void; destroy?: () => void }[] = [];

afterEach(() => {
  cut.clear();
  for (const each of open.splice(0)) (each.destroy ?? each.close)?.call(each);
});

/** A caller (node 1), the node that it calls (2), which sends back what it gets, and the channel between. */
async function between(): Promise<{ caller: Socket; called: Promise<Socket>; channel: Channel }> {
  let accepted!: (socket: Socket) => void;
  const called = new Promise<Socket>((done) => (accepted = done));
  const target = await listening((socket) => {
    socket.pipe(socket);
    accepted(socket);
  });
  let made!: (channel: Channel) => void;
  const channel = new Promise<Channel>((done) => (made = done));
  const proxy = await listening((socket) => {
    socket.pause();
    made(new Channel(socket, target, { from: 1, to: 2 }, (from, to) => cut.has(`${from}>${to}`)));
  });
  const caller = connect(proxy, '127.0.0.1');
  open.push(caller);
  return { caller, called, channel: await channel };
}

async function listening(onSocket: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    open.push(socket);
    onSocket(socket);
  });
  open.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

const next = (socket: Socket): Promise<string> =>
  new Promise((done) => socket.once('data', (chunk) => done(String(chunk))));
const quiet = (socket: Socket): Promise<boolean> => {
  const came = next(socket).then(() => false);
  return Promise.race([came, new Promise<boolean>((done) => setTimeout(() => done(true), 50))]);
};

test('what is sent comes back', async () => {
  const { caller } = await between();
  caller.write('hello');
  expect(await next(caller)).toBe('hello');
});

test('a cut holds bytes back, and they arrive when it is healed', async () => {
  const { caller, called, channel } = await between();
  caller.write('before');
  expect(await next(caller)).toBe('before');
  cut.add('1>2');
  channel.linksChanged();
  caller.write('meanwhile');
  expect(await quiet(await called)).toBe(true);
  cut.clear();
  channel.linksChanged();
  expect(await next(caller)).toBe('meanwhile');
});

test('a cut of one way lets the other way flow', async () => {
  const { caller, called, channel } = await between();
  caller.write('before');
  await next(caller);
  cut.add('1>2');
  channel.linksChanged();
  (await called).write('from the other side');
  expect(await next(caller)).toBe('from the other side');
});

test('a connection over a cut link is opened when the link is whole', async () => {
  cut.add('2>1');
  const { caller, channel } = await between();
  caller.write('hello');
  expect(await quiet(caller)).toBe(true);
  cut.clear();
  channel.linksChanged();
  expect(await next(caller)).toBe('hello');
});

test('that one end is gone is told to the other once the link is whole', async () => {
  const { caller, called, channel } = await between();
  caller.write('before');
  await next(caller);
  cut.add('2>1');
  channel.linksChanged();
  let isTold = false;
  caller.once('close', () => (isTold = true));
  caller.on('error', () => {});
  (await called).resetAndDestroy();
  await new Promise((done) => setTimeout(done, 50));
  expect(isTold).toBe(false);
  cut.clear();
  channel.linksChanged();
  await expect.poll(() => isTold).toBe(true);
});
