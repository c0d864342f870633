import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { checkPorts } from './ports.ts';

test('every port that is taken is named with the part that wants it', async () => {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('laptop').boot();
  const host = '127.0.0.1';
  await world.settle(io.net.listen({ host, port: 8080 }, () => undefined));
  const uses = [
    { host, port: 9092, what: "us-east's broker (Kafka)" },
    { host, port: 8080, what: "us-east's gateway" },
  ];
  await expect(world.settle(checkPorts(io, uses))).rejects.toThrow(
    "Port 8080 on 127.0.0.1, wanted for us-east's gateway, is in use.\nStop the process that listens there",
  );
});

test('free ports are free again after they were looked at', async () => {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('laptop').boot();
  const uses = [{ host: '127.0.0.1', port: 9092, what: 'x' }];
  await world.settle(checkPorts(io, uses));
  await world.settle(checkPorts(io, uses));
});
