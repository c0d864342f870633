/**
 * The shell that every process of the platform shares: config, logger, start, the `ready` line, and an end that
 * is given time as long as it moves. An app's `main.ts` is one call of `runProcess`.
 *
 * Life: starting → ready → stopping → exit. SIGTERM, SIGINT and SIGHUP stop it, also while it starts; with `--exit-with-parent` the end of
 * stdin does too (the supervisor holds the other end, so not even kill -9 of it leaves processes behind).
 * Invariant: stdout carries exactly one line, `{"ready":{…}}`, and only once the process serves.
 */
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import type { Io, Logger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { type ConfigOf, readConfig } from './config.ts';
import { ServiceError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { createLogger, type LogLevel } from './logger.ts';
import { watchLoop } from './loop-watch.ts';
import type { Schema } from './schema.ts';

export interface RunningProcess {
  /** Printed in the `ready` line: the ports that were bound and whatever else the parent wants to know. */
  ready: Record<string, number | string>;
  /** Ends everything in order; a second signal does not call it again. `onProgress` says that it moves: that buys time. */
  stop(onProgress: () => void): Promise<void>;
}

export interface ProcessDefinition<S extends Schema> {
  name: string;
  configSchema: S;
  /** `givenUp` is aborted when the process is told to end before it has started: a start that waits for others ends then. */
  start(io: Io, config: ConfigOf<S>, log: Logger, givenUp: AbortSignal): Promise<RunningProcess>;
}

/** Runs the process to its end; never returns before `ready`, and exits the process by itself. */
export async function runProcess<const S extends Schema>(definition: ProcessDefinition<S>): Promise<void> {
  const options = readOptions(definition.name);
  const log = createLogger({ process: definition.name, pid: process.pid, ...options.labels }, options.logLevel);
  process.on('uncaughtException', (error) => {
    log.error('a bug: the process cannot go on', { error });
    process.exit(1);
  });
  process.stdout.on('error', () => undefined); // nobody reads the ready line any more: not our concern

  const io = createRealIo();
  const ending = watchForTheEnd(options.exitWithParent);
  try {
    const config = readConfig(io, options.config, definition.configSchema);
    const givenUp = new AbortController();
    const starting = definition.start(io, config, log, givenUp.signal);
    const tooSoon = await Promise.race([starting.then(() => undefined), ending]);
    if (tooSoon !== undefined) {
      givenUp.abort();
      await stopInTime(io, log, { stop: (onProgress) => stopWhenStarted(log, starting, onProgress) }, tooSoon);
    }
    const running = await starting;
    process.stdout.write(`${JSON.stringify({ ready: running.ready })}\n`);
    log.info('ready', running.ready);
    watchLoop(io, log);
    io.timers.after(0, () => flushCompileCache()); // a process that is killed later would never write it
    const why = await ending;
    await stopInTime(io, log, running, why);
  } catch (error) {
    fail(log, error);
  }
}

function readOptions(name: string) {
  try {
    const { values } = parseArgs({
      options: {
        config: { type: 'string' },
        label: { type: 'string', multiple: true, default: [] },
        'log-level': { type: 'string', default: 'info' },
        'exit-with-parent': { type: 'boolean', default: false },
      },
    });
    if (values.config === undefined) throw new ServiceError('usage', `${name}: --config is missing`);
    return {
      config: values.config,
      labels: Object.fromEntries(values.label.map((label) => label.split('=', 2))),
      logLevel: asLogLevel(values['log-level']),
      exitWithParent: values['exit-with-parent'],
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
}

function asLogLevel(text: string): LogLevel {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  throw new ServiceError('usage', `--log-level ${text}: must be debug, info, warn or error`);
}

/** Resolves with the reason of the first call to stop. */
function watchForTheEnd(withParent: boolean): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
    if (!withParent) return;
    process.stdin.on('end', () => resolve('the parent is gone'));
    process.stdin.on('error', () => resolve('the parent is gone'));
    process.stdin.resume();
  });
}

/** A start that was given up may come to its end all the same. */
async function stopWhenStarted(log: Logger, starting: Promise<RunningProcess>, onProgress: () => void): Promise<void> {
  const running = await starting.catch((error: unknown) => log.info('the start is given up', { error: String(error) }));
  await running?.stop(onProgress);
}

async function stopInTime(io: Io, log: Logger, running: Pick<RunningProcess, 'stop'>, why: string): Promise<never> {
  log.info('stopping', { why });
  let movedMs = io.clock.monotonic();
  const watch = (delayMs: number): void =>
    void io.timers.after(delayMs, () => {
      const leftMs = movedMs + LIMITS.stopTimeoutMs - io.clock.monotonic();
      if (leftMs > 0) {
        log.info('still stopping');
        return watch(leftMs);
      }
      log.error('did not stop in time, exits the hard way', { stopTimeoutMs: LIMITS.stopTimeoutMs });
      process.exit(1);
    });
  watch(LIMITS.stopTimeoutMs);
  await running.stop(() => {
    movedMs = io.clock.monotonic();
  });
  log.info('stopped');
  process.exit(0);
}

/** The world failed while starting or stopping: a coded error is told in its own words, a bug with its stack. */
function fail(log: Logger, error: unknown): never {
  const { code, message } = error as { code?: unknown; message?: string };
  if (typeof code === 'string') log.error(message ?? code, { code });
  else log.error('failed', { error });
  process.exit(1);
}
