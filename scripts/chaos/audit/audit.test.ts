import { expect, test } from 'vitest';
import { audit, type FinalLogs, haveReadAll } from './audit.ts';
import { Ledger, type Seen } from './ledger.ts';

const logOf = (...values: string[]): Seen[] => values.map((value, offset) => ({ offset, value }));
const logs = (...values: string[]): FinalLogs => new Map([[0, logOf(...values)]]);

function ledgerOf(...acknowledged: [value: string, offset: number][]): Ledger {
  const ledger = new Ledger();
  for (const [value, offset] of acknowledged) ledger.acknowledged(value, 0, offset);
  return ledger;
}

const kinds = (ledger: Ledger, logs: FinalLogs): string[] => audit(ledger, logs).map(({ kind }) => kind);

test('what was acknowledged and is there once, in its place, is well', () => {
  expect(kinds(ledgerOf(['a:0', 0], ['b:0', 1], ['a:1', -1]), logs('a:0', 'b:0', 'a:1'))).toEqual([]);
});

test('an acknowledged record that is not there is lost', () => {
  expect(kinds(ledgerOf(['a:0', 0], ['a:1', 1]), logs('a:0'))).toEqual(['lost']);
});

test('a record of unknown outcome may be there or not, but not twice', () => {
  const ledger = ledgerOf(['a:0', 0]);
  ledger.unknown('a:1', 0, 'timed out');
  expect(kinds(ledger, logs('a:0'))).toEqual([]);
  expect(kinds(ledger, logs('a:0', 'a:1'))).toEqual([]);
  expect(kinds(ledger, logs('a:0', 'a:1', 'a:1'))).toEqual(['duplicated']);
});

test('a record behind a later one of its writer is reordered; writers are not compared', () => {
  const ledger = ledgerOf(['a:0', -1], ['a:1', -1], ['b:0', -1]);
  expect(kinds(ledger, logs('a:1', 'b:0', 'a:0'))).toEqual(['reordered']);
});

test('a record at another offset than its producer was told is misplaced', () => {
  expect(kinds(ledgerOf(['a:0', 1], ['b:0', 0]), logs('a:0', 'b:0'))).toEqual(['misplaced', 'misplaced']);
});

test('a record that nobody sent is told', () => {
  expect(kinds(new Ledger(), logs('a:0'))).toEqual(['never sent']);
});

test('a reader gets each record once, in order, and nothing that is gone later', () => {
  const ledger = ledgerOf(['a:0', 0], ['a:1', 1]);
  const received = ledger.reader('reader');
  ledger.received(received, 0, { offset: 0, value: 'a:0' });
  expect(kinds(ledger, logs('a:0', 'a:1'))).toEqual(['not read']);
  ledger.received(received, 0, { offset: 1, value: 'a:2' });
  expect(kinds(ledger, logs('a:0', 'a:1'))).toEqual(['read but not there']);
  ledger.received(received, 0, { offset: 1, value: 'a:1' });
  expect(kinds(ledger, logs('a:0', 'a:1'))).toEqual(['read but not there', 'read out of order']);
});

test('a group may get a record again, but none may pass it by', () => {
  const ledger = ledgerOf(['a:0', 0], ['a:1', 1]);
  const received = ledger.group('group');
  for (const offset of [0, 1, 0, 1]) ledger.received(received, 0, { offset, value: `a:${offset}` });
  expect(kinds(ledger, logs('a:0', 'a:1'))).toEqual([]);
  expect(kinds(ledger, logs('a:0', 'a:1', 'a:2'))).toEqual(['never sent', 'not read']);
});

test('all is read when everybody has the last record of every partition', () => {
  const ledger = new Ledger();
  const received = ledger.reader('reader');
  ledger.received(received, 0, { offset: 0, value: 'a:0' });
  expect(haveReadAll(ledger, logs('a:0', 'a:1'))).toBe(false);
  ledger.received(received, 0, { offset: 1, value: 'a:1' });
  expect(haveReadAll(ledger, logs('a:0', 'a:1'))).toBe(true);
  ledger.group('group');
  expect(haveReadAll(ledger, logs('a:0', 'a:1'))).toBe(false);
});
