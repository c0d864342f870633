/**
 * What a command writes: data to stdout, everything else to stderr. Every command gets one.
 * Invariant: lines of data are written whole and in order; when their reader has gone (`| head`), the command ends
 * quietly and successfully, as others of its kind do: at its next line, and on Linux also while it waits for one.
 */
import type { Io } from '@meridian/io';
import { createReaderCheck } from '@meridian/io/real';
import { EXIT } from './errors.ts';
import { LIMITS } from './limits.ts';

export interface Terminal {
  /** One line of data. Gathered within a turn of the event loop, written at its end. */
  data(line: string): void;
  /** Resolves when a slow reader has caught up; await it now and then. */
  drained(): Promise<void>;
  /** From now on the command ends as well when the reader of data has gone and there is nothing to write. */
  endWithReader(): void;
  /** Anything that is not data. */
  say(line: string): void;
  /** Writes what is left. */
  flush(): Promise<void>;
}

export function createTerminal(io: Pick<Io, 'timers'>): Terminal {
  let pending: string[] = [];
  let deferred = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
  });
  process.stderr.on('error', () => undefined);
  const write = (done?: () => void): void => {
    deferred = false;
    const text = pending.join('');
    pending = [];
    process.stdout.write(text, done);
  };
  return {
    data(line) {
      pending.push(`${line}\n`);
      if (deferred) return;
      deferred = true;
      io.timers.defer(() => {
        if (deferred) write();
      });
    },
    async drained() {
      if (process.stdout.writableLength < LIMITS.maxPendingOutputBytes) return;
      await new Promise<void>((resolve) => void process.stdout.once('drain', resolve));
    },
    endWithReader() {
      const hasReader = createReaderCheck(process.stdout.fd);
      const check = (): void => {
        if (!hasReader()) process.exit(EXIT.ok);
        io.timers.after(LIMITS.readerCheckMs, check);
      };
      check();
    },
    say: (line) => void process.stderr.write(`${line}\n`),
    flush: () => new Promise((resolve) => write(resolve)),
  };
}

/** Columns padded to their widest cell, two spaces between. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
