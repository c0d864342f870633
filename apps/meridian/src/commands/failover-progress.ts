/**
 * A fail-over or fail-back as it goes: each topic's step as it is begun, and what it waits for. The mirror carries it on,
 * whether or not somebody looks. Invariant: exit code 0 only if all of it is done.
 */
import type { Io } from '@meridian/io';
import { CliError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { findPlatform, findRegion, type PlatformOptions } from '../platform.ts';
import type { Terminal } from '../terminal.ts';
import { askEachMirror } from './mirror-api.ts';

/** Of POST /v1/failover and /v1/failback. */
export interface FailoverRun {
  id: string;
  kind: string;
  to: string;
  state: 'running' | 'waiting' | 'done';
  topics: {
    topic: string;
    from: string;
    step: string;
    detail: string | null;
    reason: string | null;
    aside: { topic: string; records: number } | null;
  }[];
}

export async function followRun(
  io: Io,
  terminal: Terminal,
  begun: FailoverRun,
  options: PlatformOptions & { json?: boolean },
): Promise<void> {
  const told = new Set<string>();
  const deadlineMs = io.clock.monotonic() + LIMITS.failoverWaitMs;
  let run = begun;
  for (;;) {
    if (!options.json) for (const line of newLines(run, told)) terminal.say(line);
    if (run.state === 'done' || io.clock.monotonic() > deadlineMs) break;
    await io.timers.sleep(LIMITS.failoverPollMs);
    run = await askRun(io, options, run);
  }
  terminal.data(options.json ? JSON.stringify(run) : `${run.id} ${run.state}`);
  if (run.state !== 'done') throw new CliError('not-done', `${run.id} is not done; the mirror of ${run.to} goes on.`);
}

/** What waits is told by the mirror that does the work. */
async function askRun(io: Io, options: PlatformOptions, known: FailoverRun): Promise<FailoverRun> {
  const region = findRegion(findPlatform(io, options), known.to);
  const request = { path: '/v1/failover/runs' };
  const { answers } = await askEachMirror<{ runs: FailoverRun[] }>(io, options, region, request);
  const runs = answers.flatMap((answer) => answer.runs.filter(({ id }) => id === known.id));
  return (
    runs.find(({ state }) => state === 'done') ?? runs.find(({ state }) => state === 'waiting') ?? runs[0] ?? known
  );
}

function newLines({ topics }: FailoverRun, told: Set<string>): string[] {
  const lines = topics.flatMap(({ topic, from, step, detail, reason, aside }) => [
    `${topic} (${from}): ${step}${detail === null ? '' : `: ${detail}`}`,
    ...(reason === null ? [] : [`${topic} (${from}): waits: ${reason}`]),
    ...(aside === null ? [] : [`${topic} (${from}): ${aside.records} records lie in ${aside.topic}`]),
  ]);
  return lines.filter((line) => !told.has(line) && told.add(line));
}
