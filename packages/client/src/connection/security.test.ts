import { connect } from 'node:net';
import { createServer } from 'node:tls';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { createSimWorld } from '@meridian/io/sim';
import { selfSigned } from '@meridian/io/testing';
import { expect, test } from 'vitest';
import { createClient } from '../client.ts';
import type { SaslMechanism, Security } from '../security.ts';
import { FakeBroker } from '../testing/fake-broker.ts';

const login = (mechanism: SaslMechanism, password = 'pass=word,') => ({ mechanism, username: 'mirror=us', password });

async function brokersSeenWith(security: Security, wanted: Security['sasl']) {
  const world = createSimWorld({ seed: 3 });
  const broker = new FakeBroker({ host: 'broker', port: 9093, ...(wanted && { sasl: wanted }) });
  await world.settle(broker.start(world.node('broker').boot()));
  const bootstrap = [{ host: 'broker', port: 9093 }];
  const io = world.node('client').boot();
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger, security });
  return world.settle(
    client.metadata('all').then(
      ({ brokers }) => brokers.size,
      (error) => error,
    ),
  );
}

test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
  'with %s the right password is let in, a wrong one and another mechanism are told as such',
  async (mechanism) => {
    expect(await brokersSeenWith({ sasl: login(mechanism) }, login(mechanism))).toBe(1);
    const wrong = await brokersSeenWith({ sasl: login(mechanism, 'wrong') }, login(mechanism));
    expect(wrong).toMatchObject({ code: 'authentication' });
    const other = mechanism === 'PLAIN' ? 'SCRAM-SHA-256' : 'PLAIN';
    const refused = await brokersSeenWith({ sasl: login(mechanism) }, login(other));
    expect(refused).toMatchObject({ code: 'authentication', message: expect.stringContaining(`it has ${other}`) });
    expect(`${wrong.message}${refused.message}`).not.toContain('pass=word');
  },
);

test('a client speaks to a broker over TLS, and to no other than the one that its certificate names', async () => {
  const io = createRealIo();
  const broker = new FakeBroker({ host: '127.0.0.1', port: 0, sasl: login('SCRAM-SHA-512') });
  const brokerPort = await broker.start(io);
  const ours = selfSigned(['localhost']);
  const proxy = createServer(ours, (socket) => {
    const onward = connect(brokerPort, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  proxy.on('tlsClientError', () => {});
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  const { port } = proxy.address() as { port: number };
  broker.nodes.set(1, { host: 'localhost', port });
  broker.createTopic('cities', 1);
  const sasl = login('SCRAM-SHA-512');
  const client = (host: string, ca?: string) =>
    createClient({
      io,
      bootstrap: [{ host, port }],
      clientId: 'test',
      log: silentLogger,
      security: { sasl, tls: { verifyHost: true, ...(ca && { ca }) } },
    });
  const good = client('localhost', ours.cert);
  expect((await good.listOffsets([{ topic: 'cities', partition: 0, timestamp: -1 }]))[0]).toMatchObject({ offset: 0 });
  for (const bad of [client('127.0.0.1', ours.cert), client('localhost')]) {
    await expect(bad.metadata('all')).rejects.toMatchObject({ code: 'tls' });
    await bad.close();
  }
  await good.close();
  proxy.close();
  await broker.stop();
});
