/**
 * `npm run bench -- <what>`: measures on this machine and prints a Markdown table of medians, as it stands in
 * docs/performance.md. Absolute figures move from machine to machine; compare runs of one machine.
 */
import { cpus } from 'node:os';
import { broker } from './broker.ts';
import { cluster } from './cluster.ts';
import { mirror } from './mirror.ts';
import { partitions } from './partitions.ts';
import { translation } from './translation.ts';
import { walk } from './walk.ts';

const BENCHES: Record<string, (args: readonly string[]) => Promise<BenchTable>> = {
  broker,
  cluster,
  mirror,
  partitions,
  translation,
  walk,
};

export interface BenchTable {
  readonly columns: readonly string[];
  readonly lines: readonly (readonly string[])[];
  /** What could not be measured; the bench has failed then. */
  readonly failures?: readonly string[];
}

const what = process.argv[2] ?? '';
const bench = BENCHES[what];
if (bench === undefined) {
  console.error(`unknown bench "${what}"; known: ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
const { columns, lines, failures = [] } = await bench(process.argv.slice(3));
console.log(`\n${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}\n`);
console.log(`| ${columns.join(' | ')} |\n|${columns.map(() => '---').join('|')}|`);
for (const line of lines) console.log(`| ${line.join(' | ')} |`);
for (const failure of failures) console.log(`\nfailed: ${failure}`);
process.exit(failures.length === 0 ? 0 : 1);
