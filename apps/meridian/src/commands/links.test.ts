import { expect, test } from 'vitest';
import { type LinkStatus, tableOf } from './links.ts';

const partition = (number: number, more: Partial<LinkStatus['partitions'][number]> = {}) => ({
  topic: 'acme.cities',
  partition: number,
  state: 'running',
  reason: null,
  position: 7,
  sourceEnd: 9,
  lagRecords: 2,
  lagBytes: 80,
  lagMs: 340,
  lastVerifiedOffset: 7,
  ...more,
});
const UNKNOWN = { position: null, sourceEnd: null, lagRecords: null, lagBytes: null, lagMs: null };
const link = (more: Partial<LinkStatus>): LinkStatus => ({
  from: 'us',
  to: 'eu',
  state: 'running',
  reason: null,
  partitions: [],
  ...more,
});

test('reasons stand below the table, once per topic, and what is not known is a dash', () => {
  const halted = { state: 'halted', reason: 'it was deleted', ...UNKNOWN, position: 3 };
  const partitions = [partition(0), partition(1, halted), partition(2, halted)];
  expect(tableOf([link({ state: 'halted', reason: 'it was deleted', partitions })])).toEqual([
    'LINK     PARTITION      STATE    POSITION  END  LAG  BYTES  SECONDS',
    'us → eu  acme.cities-0  running  7         9    2    80     0.3',
    'us → eu  acme.cities-1  halted   3         -    -    -      -',
    'us → eu  acme.cities-2  halted   3         -    -    -      -',
    '',
    'us → eu acme.cities: it was deleted (partition 1, 2)',
  ]);
});

test('a link that cannot look for topics says why', () => {
  expect(tableOf([link({ state: 'retrying', reason: 'not connected yet' })])).toEqual([
    'LINK     PARTITION  STATE     POSITION  END  LAG  BYTES  SECONDS',
    'us → eu  -          retrying',
    '',
    'us → eu: not connected yet',
  ]);
});

test('without troubles there is nothing below the table', () => {
  expect(tableOf([link({ partitions: [partition(0)] })])).toHaveLength(2);
});
