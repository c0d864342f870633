/**
 * `npm run bench -- <what>`: measures on this machine and prints a Markdown table of medians, as it stands in
 * docs/performance.md. Absolute figures move from machine to machine; compare runs of one machine.
 */
import { cpus } from 'node:os';
import { walk } from './walk.ts';

const BENCHES: Record<string, () => Promise<BenchRow[]>> = { walk };

export interface BenchRow {
  work: string;
  measured: string;
  must?: string;
}

const what = process.argv[2] ?? '';
const bench = BENCHES[what];
if (bench === undefined) {
  console.error(`unknown bench "${what}"; known: ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
const rows = await bench();
console.log(`\n${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}\n`);
console.log('| work | measured | must |\n|---|---|---|');
for (const row of rows) console.log(`| ${row.work} | ${row.measured} | ${row.must ?? ''} |`);
process.exit(0);
