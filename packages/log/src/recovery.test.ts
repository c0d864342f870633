import type { Io } from '@meridian/io';
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { appendMarker } from './cleaner/test-log.ts';
import { type Log, type MarksStore, openLog } from './log.ts';
import { batchesIn, batchOf, valuesIn } from './test-batches.ts';

const FOLDER = '/data/topic-0';
const CONFIG = { segmentBytes: 1000, indexIntervalBytes: 150 };
const COUNT = 30;

interface Setting {
  readonly world: SimWorld;
  readonly node: SimNode;
  readonly values: string[];
}

/** Thirty batches over several segments, written by a process that is dead now. */
async function written(clean: boolean): Promise<Setting> {
  const world = createSimWorld({ seed: 7 });
  const node = world.node('broker');
  const log = openLog({ io: node.boot(), folder: FOLDER, config: CONFIG });
  const values = Array.from({ length: COUNT }, (_, index) => `value-${index}-${'x'.repeat(index)}`);
  for (const [index, value] of values.entries()) log.append([batchOf(index, [value])], 1 + Math.floor(index / 10));
  await world.settle(log.flush());
  if (clean) await world.settle(log.close(true));
  node.kill();
  return { world, node, values };
}

const reopen = (io: Io): Log => openLog({ io, folder: FOLDER, config: CONFIG });
const files = (io: Io, suffix: string) => io.disk.list(FOLDER).filter((name) => name.endsWith(suffix));

function overwrite(io: Io, name: string, change: (bytes: Buffer) => Buffer): void {
  io.disk.replaceFile(`${FOLDER}/${name}`, change(io.disk.readFile(`${FOLDER}/${name}`)));
}

test.each([true, false])('a log that was closed (cleanly: %s) comes back whole', async (clean) => {
  const { node, values } = await written(clean);
  const log = reopen(node.boot());
  expect(valuesIn(log)).toEqual(values);
  expect(log.recoveredDamage).toBeUndefined();
  expect(log.epochs.entries.map((entry) => entry.startOffset)).toEqual([0, 10, 20]);
  expect(log.durableEnd).toBe(clean ? COUNT : log.durableEnd);
});

test('a file cut at any byte comes back as the batches before the cut, and can be appended to', async () => {
  const { world, node, values } = await written(false);
  const io = node.boot();
  io.disk.remove(`${FOLDER}/meridian-checkpoint`);
  const last = files(io, '.log').at(-1)!;
  const whole = io.disk.readFile(`${FOLDER}/${last}`);
  for (let length = whole.length; length >= 0; length--) {
    io.disk.replaceFile(`${FOLDER}/${last}`, whole.subarray(0, length));
    const log = reopen(io);
    const found = valuesIn(log);
    expect(found).toEqual(values.slice(0, found.length));
    expect(found.length).toBeGreaterThanOrEqual(Number(last.slice(0, 20)));
    log.append([batchOf(log.endOffset, ['more'])], 9);
    expect(valuesIn(log, log.endOffset - 1)).toEqual(['more']);
    await world.settle(log.close(false));
  }
});

test('a flipped bit that was never fsynced cuts the log there, and later segments go', async () => {
  const { node, values } = await written(false);
  const io = node.boot();
  io.disk.remove(`${FOLDER}/meridian-checkpoint`);
  const second = files(io, '.log')[1]!;
  overwrite(io, second, (bytes) => {
    bytes[80]! ^= 1;
    return bytes;
  });
  const log = reopen(io);
  const found = valuesIn(log);
  expect(found).toEqual(values.slice(0, Number(second.slice(0, 20))));
  expect(log.recoveredDamage).toContain('wrong CRC');
  expect(files(io, '.log').at(-1)).toBe(second);
});

test('damage below the recovery point is refused: nothing that was acknowledged is thrown away', async () => {
  const { node } = await written(true);
  const io = node.boot();
  overwrite(io, files(io, '.log').at(-1)!, (bytes) => {
    bytes[16] = 9;
    return bytes;
  });
  expect(() => reopen(io)).toThrow(expect.objectContaining({ code: 'corrupt-batch' }));
  expect(files(io, '.log').length).toBeGreaterThan(2);
});

test.each(['missing', 'empty', 'odd', 'zeros', 'garbage'])('index files that are %s are made anew', async (kind) => {
  const { node, values } = await written(true);
  const io = node.boot();
  const names = [...files(io, '.index'), ...files(io, '.timeindex')];
  const before = names.map((name) => io.disk.readFile(`${FOLDER}/${name}`));
  for (const name of names) {
    if (kind === 'missing') io.disk.remove(`${FOLDER}/${name}`);
    if (kind === 'empty') overwrite(io, name, () => Buffer.alloc(0));
    if (kind === 'odd') overwrite(io, name, (bytes) => bytes.subarray(0, 5));
    if (kind === 'zeros') overwrite(io, name, () => Buffer.alloc(240));
    if (kind === 'garbage') overwrite(io, name, () => Buffer.alloc(240, 0xa5));
  }
  const log = reopen(io);
  for (let offset = 0; offset < COUNT; offset++) {
    expect(batchesIn(log, offset)[0]!.offset).toBe(offset);
    expect(log.offsetForTimestamp(1000 + offset)?.offset).toBe(offset);
  }
  expect(valuesIn(log)).toEqual(values);
  const sealed = (name: string) => !name.startsWith(files(io, '.log').at(-1)!.slice(0, 20));
  for (const [at, name] of names.entries()) {
    if (sealed(name)) expect(io.disk.readFile(`${FOLDER}/${name}`).equals(before[at]!)).toBe(true);
  }
});

test('damage in a closed segment is found by whoever reads it', async () => {
  const { node, values } = await written(true);
  const io = node.boot();
  const second = files(io, '.log')[1]!;
  overwrite(io, second, (bytes) => {
    bytes[16] = 9;
    return bytes;
  });
  const log = reopen(io);
  const base = Number(second.slice(0, 20));
  expect(log.endOffset).toBe(values.length);
  expect(() => log.read(base, { maxBytes: 1e6, minOneBatch: true })).toThrow(
    expect.objectContaining({ code: 'corrupt-batch' }),
  );
});

test('an index that is damaged while the log is open leads nobody astray', async () => {
  const { node, values } = await written(true);
  const io = node.boot();
  const log = reopen(io);
  for (const name of files(io, '.index').slice(0, -1)) {
    overwrite(io, name, (bytes) => {
      for (let at = 4; at < bytes.length; at += 8) bytes.writeInt32BE(bytes.readInt32BE(at) + 3, at);
      return bytes;
    });
  }
  for (let offset = COUNT - 1; offset >= 0; offset--) expect(valuesIn(log, offset)).toEqual(values.slice(offset));
});

test('files that nobody finished, and indexes without a segment, are swept up', async () => {
  const { node, values } = await written(false);
  const io = node.boot();
  for (const name of ['00000000000000000999.index', '00000000000000000000.log.deleted', 'x.tmp']) {
    io.disk.replaceFile(`${FOLDER}/${name}`, Buffer.from('?'));
  }
  const log = reopen(io);
  expect(valuesIn(log)).toEqual(values);
  expect(io.disk.list(FOLDER).filter((name) => /999|deleted|tmp/.test(name))).toEqual([]);
});

test('a leader-epoch file that cannot be read is made anew from the batches', async () => {
  const { node } = await written(true);
  const io = node.boot();
  io.disk.replaceFile(`${FOLDER}/leader-epoch-checkpoint`, Buffer.from('no'));
  expect(reopen(io).epochs.entries).toEqual([
    { epoch: 1, startOffset: 0 },
    { epoch: 2, startOffset: 10 },
    { epoch: 3, startOffset: 20 },
  ]);
});

test('an origin-epoch file that cannot be read is refused: nothing else knows', async () => {
  const { node } = await written(true);
  const io = node.boot();
  io.disk.replaceFile(`${FOLDER}/origin-epoch-checkpoint`, Buffer.from('no'));
  expect(() => reopen(io)).toThrow(expect.objectContaining({ code: 'corrupt-checkpoint' }));
});

test('a marker below the recovery point that cannot be read is rot, and leaves nothing in the books', async () => {
  const world = createSimWorld({ seed: 7 });
  const node = world.node('broker');
  const log = openLog({ io: node.boot(), folder: FOLDER, config: CONFIG });
  const transaction = { producerId: 5, producerEpoch: 0, baseSequence: 0, transactional: true };
  log.append([batchOf(0, ['in a transaction'], transaction)], 1);
  appendMarker(log, 5, true);
  await world.settle(log.flush());
  node.kill();
  const io = node.boot();
  overwrite(io, files(io, '.log')[0]!, (bytes) => bytes.fill(0xff, bytes.length - 10));
  const read = () => ({ recoveryPoint: 2, startOffset: 0 });
  const marks: MarksStore = {
    wasClean: false,
    read,
    write: () => {},
    flush: () => {},
    noteHighWatermark: () => {},
    savedHighWatermark: 0,
  };
  expect(() => openLog({ io, folder: FOLDER, config: CONFIG, marks })).toThrowError(
    expect.objectContaining({ code: 'corrupt-batch' }),
  );
});

test('producers are known again after a restart', async () => {
  const world = createSimWorld({ seed: 3 });
  const node = world.node('broker');
  const extras = { producerId: 5, producerEpoch: 1 };
  const log = openLog({ io: node.boot(), folder: FOLDER, config: CONFIG });
  for (let index = 0; index < 20; index++) log.append([batchOf(index, ['v'], { ...extras, baseSequence: index })], 0);
  await world.settle(log.close(true));
  node.kill();
  const again = reopen(node.boot());
  expect(again.producers.size).toBe(1);
  again.append([batchOf(20, ['v'], { ...extras, baseSequence: 20 })], 0);
  expect(again.producers.size).toBe(1);
});

test('a folder of another topic is refused', async () => {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('a').boot();
  const topicId = '12345678-1234-1234-1234-123456789abc';
  await world.settle(openLog({ io, folder: FOLDER, topicId }).close(true));
  expect(io.disk.readFile(`${FOLDER}/partition.metadata`).toString()).toBe(
    'version: 0\ntopic_id: EjRWeBI0EjQSNBI0VniavA\n',
  );
  await world.settle(openLog({ io, folder: FOLDER, topicId }).close(true));
  expect(() => openLog({ io, folder: FOLDER, topicId: topicId.replace('1', '2') })).toThrow(
    expect.objectContaining({ code: 'topic-id-mismatch' }),
  );
});

test('a folder whose owner was half written when the power went belongs to whoever opens it', async () => {
  const topicId = '12345678-1234-1234-1234-123456789abc';
  const whole = Buffer.from('version: 0\ntopic_id: EjRWeBI0EjQSNBI0VniavA\n');
  for (const left of [whole.subarray(0, 0), whole.subarray(0, 20), Buffer.alloc(whole.length)]) {
    const world = createSimWorld({ seed: 1 });
    const io = world.node('a').boot();
    io.disk.makeFolder(FOLDER);
    io.disk.replaceFile(`${FOLDER}/partition.metadata`, left);
    await world.settle(openLog({ io, folder: FOLDER, topicId }).close(true));
    expect(io.disk.readFile(`${FOLDER}/partition.metadata`)).toEqual(whole);
  }
});
