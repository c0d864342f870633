/**
 * The log of a process: pino's JSON lines on stderr.
 * `runProcess` makes one per process and hands it down as the structural `Logger` of `@meridian/io`.
 * Invariant: stdout is never written; it belongs to the `ready` line and to data.
 */
import { IoError, type Logger } from '@meridian/io';
import { pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** `fields` are on every line, e.g. `{ process: 'broker', region: 'us-east' }`. */
export function createLogger(fields: Record<string, unknown>, level: LogLevel = 'info'): Logger {
  const target = pino.destination({ fd: 2, sync: true });
  const root = pino(
    { base: fields, level, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: asText } },
    target,
  );
  const at =
    (name: LogLevel) =>
    (message: string, extra: Record<string, unknown> = {}): void =>
      root[name](withError(extra), message);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

const asText = (label: string): object => ({ level: label });

/** An `Error` under any name is written with its message; JSON alone would show `{}`. */
function withError(fields: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(fields);
  if (!entries.some(([, value]) => value instanceof Error)) return fields;
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value instanceof Error ? errorFields(value) : value]),
  );
}

/** What failed in the world says where in its message; everything else may be a bug and shows its stack. */
function errorFields(error: Error): object {
  if (error instanceof IoError) return { message: error.message, code: error.code };
  const { code } = error as { code?: unknown };
  return { message: error.message, ...(code === undefined ? {} : { code }), stack: error.stack };
}
