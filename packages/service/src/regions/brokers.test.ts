import { expect, test } from 'vitest';
import { brokersOf, checkBrokers, mirrorsOf } from './brokers.ts';
import type { Region } from './schema.ts';

const region = (name: string, id: number, port: number): Region => ({
  name,
  id,
  engine: 'embedded',
  kafka: { host: '127.0.0.1', port, internalPort: port + 1 },
  gateway: { host: '127.0.0.1', port: port - 1000 },
  mirror: { host: '127.0.0.1', managementPort: port + 2 },
});
const TWO = { regions: [region('a', 1, 9092), region('b', 2, 9192)], links: [] };

test('the first broker is where the region’s file says, the others ten ports up', () => {
  expect(brokersOf(TWO.regions[0]!, 3)).toEqual([
    { nodeId: 1, host: '127.0.0.1', port: 9092, internalPort: 9093 },
    { nodeId: 2, host: '127.0.0.1', port: 9102, internalPort: 9103 },
    { nodeId: 3, host: '127.0.0.1', port: 9112, internalPort: 9113 },
  ]);
});

test('as many brokers as a region may have fit between two regions', () => {
  expect(() => checkBrokers(TWO, 9)).not.toThrow();
});

test('ports that two would listen on are told with both of them', () => {
  const close = { regions: [region('a', 1, 9092), region('b', 2, 9112)], links: [] };
  expect(() => checkBrokers(close, 2)).not.toThrow();
  expect(() => checkBrokers(close, 3)).toThrow(
    "--brokers 3: b's broker 1 would listen on 127.0.0.1:9112, as a's broker 3",
  );
  const beside = {
    regions: [region('a', 1, 9100), { ...region('b', 2, 7000), gateway: { host: '127.0.0.1', port: 9120 } }],
    links: [],
  };
  expect(() => checkBrokers(beside, 3)).toThrow("a's broker 3 would listen on 127.0.0.1:9120, as b's gateway");
});

test('none, too many and ports beyond all ports are refused', () => {
  expect(() => checkBrokers(TWO, 0)).toThrow('--brokers 0: a region has 1 to 9 here');
  expect(() => checkBrokers(TWO, 10)).toThrow('--brokers 10');
  expect(() => checkBrokers({ regions: [region('a', 1, 65_530)], links: [] }, 2)).toThrow(
    'would listen on 127.0.0.1:65540',
  );
});

test('further mirrors are ten ports up each, and must fit, too', () => {
  expect(mirrorsOf(TWO.regions[0]!, 2).map(({ managementPort }) => managementPort)).toEqual([9094, 9104]);
  expect(() => checkBrokers(TWO, 9, 9)).not.toThrow();
  expect(() => checkBrokers(TWO, 1, 10)).toThrow('--mirrors 10: a region has 1 to 9 here');
});
