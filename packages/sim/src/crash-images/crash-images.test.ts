import { expect, test } from 'vitest';
import { campaign } from './campaign.ts';
import { crashImages } from './crash-images.ts';

test('a recovered log dir serves what was promised and nothing else, however it crashed', async () => {
  const lines: string[] = [];
  expect(await campaign(1, 72, (line) => lines.push(line)), lines.join('\n')).toBe(true);
  for (const kind of ['torn', 'cut', 'reordered', 'flipped', 'killed', 'rotten', 'scattered']) {
    expect(lines.at(-2)).toContain(kind);
  }
});

test('an image is the same by its number alone, and a run of many passes it as a run of one does', async () => {
  const of = async (from: number, count: number) => {
    const reports = [];
    for await (const report of crashImages(from, count)) reports.push(report);
    return reports;
  };
  const many = await of(40, 12);
  expect(await of(51, 1)).toEqual(many.slice(-1));
});
