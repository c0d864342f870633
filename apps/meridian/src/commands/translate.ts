/**
 * `meridian translate`: where a group, an offset or a cursor of one region goes on in another one. Asked of the mirror of
 * the region that is gone to; a cursor is opened here, with the platform's keys.
 * Invariant: exit code 0 only if every place is exact.
 */
import type { Io } from '@meridian/io';
import { type CursorPosition, decodeCursor, parseKeyRing, physicalTopic } from '@meridian/tenancy';
import { CliError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { keyFiles } from '../local/keys.ts';
import { findPlatform, findRegion, type PlatformOptions } from '../platform.ts';
import { alignColumns, type Terminal } from '../terminal.ts';
import { askMirror } from './mirror-api.ts';
import { withRegionClient } from './region-client.ts';

export interface TranslateOptions extends PlatformOptions {
  from?: string;
  to: string;
  group?: string;
  topic?: string;
  partition?: number;
  offset?: number;
  cursor?: string;
  tenant?: string;
  json?: boolean;
}

/** Of GET /v1/translate. */
export interface Translated {
  topic: string;
  partition: number;
  offset: number;
  /** What it is called there; null: nothing. */
  toTopic: string | null;
  translation:
    | { status: 'exact'; offset: number }
    | { status: 'behind'; records: number }
    | { status: 'gap'; from: number; to: number; offset: number }
    | { status: 'no-copy'; reason: string };
}

interface Row extends Translated {
  from: string;
}

export async function translate(io: Io, terminal: Terminal, options: TranslateOptions): Promise<void> {
  const topology = findPlatform(io, options);
  findRegion(topology, options.to);
  if (options.from !== undefined) findRegion(topology, options.from);
  const rows = options.cursor === undefined ? await ask(io, options) : await askCursor(io, options, options.cursor);
  if (options.json) for (const row of rows) terminal.data(JSON.stringify({ to: options.to, ...row }));
  else if (rows.length > 0) for (const line of translatedTable(rows, options.to)) terminal.data(line);
  if (rows.length === 0) throw new CliError('not-exact', nothingOf(options));
  const others = rows.filter(({ translation }) => translation.status !== 'exact').length;
  if (others > 0) throw new CliError('not-exact', `${others} of ${rows.length} places are not exact.`);
}

const nothingOf = ({ group, from }: TranslateOptions): string =>
  group === undefined ? 'The cursor is in no topic yet.' : `Group ${group} has committed nothing in ${from}.`;

/** A group's, or one offset. */
async function ask(io: Io, options: TranslateOptions): Promise<Row[]> {
  const { from, group, topic, partition, offset } = options;
  if (from === undefined) throw new CliError('bad-option', '--from says of which region the group or offset is.');
  if (group !== undefined) return askFor(io, options, from, { group });
  if (topic === undefined || partition === undefined || offset === undefined) {
    throw new CliError('bad-option', 'Say --group, or --topic with --partition and --offset, or --cursor.');
  }
  return askFor(io, options, from, { topic, partition: String(partition), offset: String(offset) });
}

/** A cursor has coordinates of the regions where its records were born. */
async function askCursor(io: Io, options: TranslateOptions, cursor: string): Promise<Row[]> {
  const { tenant, topic } = options;
  if (tenant === undefined || topic === undefined) {
    throw new CliError('bad-option', 'A cursor is opened with --tenant and --topic, as its tenant calls it.');
  }
  const file = keyFiles(options.data).cursorKeys;
  if (!io.disk.exists(file)) throw new CliError('no-keys', `There are no keys in ${options.data}.`);
  const keys = parseKeyRing(io.disk.readFile(file).toString('utf8'));
  const name = physicalTopic(tenant, topic);
  const rows: Row[] = [];
  for (const position of decodeCursor(keys, { tenant, topic }, cursor)) {
    rows.push(...(await askPosition(io, options, name, position)));
  }
  return rows;
}

async function askPosition(io: Io, options: TranslateOptions, topic: string, place: CursorPosition): Promise<Row[]> {
  const { region, topicId, partition, offset } = place;
  const row = { from: region, topic, partition, offset };
  if (region === options.to) return [{ ...row, toTopic: topic, translation: { status: 'exact', offset } }];
  const id = await withRegionClient(io, options, region, async (client) => {
    const view = await client.metadata([topic], { timeoutMs: LIMITS.requestTimeoutMs, maxAgeMs: 0 });
    return view.topics.get(topic)?.id;
  });
  if (id === topicId) {
    return askFor(io, options, region, { topic, partition: String(partition), offset: String(offset) });
  }
  const reason = `${topic} of ${region} is another topic than the cursor’s`;
  return [{ ...row, toTopic: null, translation: { status: 'no-copy', reason } }];
}

async function askFor(io: Io, options: TranslateOptions, from: string, what: Record<string, string>): Promise<Row[]> {
  const path = `/v1/translate?${new URLSearchParams({ ...what, from, to: options.to })}`;
  const { positions } = await askMirror<{ positions: Translated[] }>(io, options, options.to, { path });
  return positions.map((position) => ({ from, ...position }));
}

export function translatedTable(rows: readonly Row[], to: string): string[] {
  const cells = rows.map(({ from, topic, partition, offset, toTopic, translation }) => [
    ...[`${from} ${topic}-${partition}`, String(offset)],
    ...[toTopic === null ? '-' : `${to} ${toTopic}-${partition}`, offsetOf(translation), toldOf(translation)],
  ]);
  return alignColumns([['FROM', 'OFFSET', 'TO', 'OFFSET', 'STATUS'], ...cells]);
}

const offsetOf = (translation: Translated['translation']): string =>
  'offset' in translation ? String(translation.offset) : '-';

function toldOf(translation: Translated['translation']): string {
  switch (translation.status) {
    case 'exact':
      return 'exact';
    case 'behind':
      return `behind ${translation.records}`;
    case 'gap':
      return `gap ${translation.from}..${translation.to}`;
    case 'no-copy':
      return translation.reason;
  }
}
