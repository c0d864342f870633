/**
 * The log of one part: every line goes to its file in the data folder, warnings and errors to the terminal as well,
 * with the part's name in front. Used by the supervisor.
 * Invariant: a file and its older twin never take more than twice `maxLogBytes`; a disk that does not take a line is
 * told once, until it does again.
 */
import type { DiskFile, Io } from '@meridian/io';
import { LIMITS } from '../limits.ts';

export interface PartLog {
  readonly path: string;
  write(line: string): void;
  close(): void;
}

export function openPartLog(io: Pick<Io, 'disk'>, path: string, show: (text: string) => void): PartLog {
  let file: DiskFile = io.disk.open(path, 'a+');
  let at = file.size();
  let isFailing = false;
  const rotate = (): void => {
    if (io.disk.exists(path)) io.disk.rename(path, `${path}.1`); // else a full disk had no room for the new name
    const next = io.disk.open(path, 'a+');
    file.close();
    file = next;
    at = 0;
  };
  return {
    path,
    write(line) {
      const text = terminalText(line);
      if (text !== undefined) show(text);
      const bytes = Buffer.from(`${line.slice(0, LIMITS.maxLineBytes)}\n`);
      try {
        if (at + bytes.length > LIMITS.maxLogBytes) rotate();
        file.writev([bytes], at);
        at += bytes.length;
        isFailing = false;
      } catch (error) {
        if (!isFailing) show(`warn: its log cannot be written for now: ${(error as Error).message}`);
        isFailing = true; // the part itself goes on
      }
    },
    close: () => file.close(),
  };
}

const SHOWN = new Set(['warn', 'error', 'fatal']);
/** Fields that every line has, or that are shown elsewhere. */
const PLAIN = new Set(['level', 'time', 'msg', 'process', 'region', 'pid']);

/** What a person is to see of a log line; undefined: nothing. Lines that are not pino's are shown as they are. */
export function terminalText(line: string): string | undefined {
  const fields = parse(line);
  if (fields === undefined) return line.trim() === '' ? undefined : line;
  if (!SHOWN.has(String(fields.level))) return undefined;
  const rest = Object.entries(fields).filter(([name]) => !PLAIN.has(name));
  const more = rest.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(rest))}`;
  return `${fields.level}: ${fields.msg}${more}`;
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
