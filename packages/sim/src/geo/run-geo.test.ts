/** One storm of three regions with both engines; campaigns are `npm run sim -- --geo3`. */
import { expect, test } from 'vitest';
import { runGeo } from './run-geo.ts';

test('three regions on both engines have everything everywhere after a storm, and groups skip nothing', async () => {
  const report = await runGeo(1, { engines: ['embedded', 'kafka', 'embedded'] });
  expect(report.violations).toEqual([]);
  expect(report.failOvers).toBeGreaterThan(10);
  expect(report.translated).toBeGreaterThan(100);
}, 120_000);
