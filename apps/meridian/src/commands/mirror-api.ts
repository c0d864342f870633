/**
 * What commands ask of the mirrors, over their management ports: links, gaps, fail-over, verification. A region's mirrors
 * share its work: what each of them owns is asked of all, anything else of the first that answers.
 * Invariant: an answer that is no success ends in a `CliError` with the mirror's own words.
 */
import type { Io } from '@meridian/io';
import type { Region } from '@meridian/service/regions';
import { CliError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { findPlatform, findRegion, mirrorUrls, type PlatformOptions } from '../platform.ts';

export interface MirrorRequest {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

/** Asks the region's mirrors one after the other until one answers. */
export async function askMirror<T>(
  io: Pick<Io, 'disk'>,
  options: PlatformOptions,
  region: string,
  request: MirrorRequest,
): Promise<T> {
  const found = findRegion(findPlatform(io, options), region);
  const silent: string[] = [];
  for (const url of mirrorUrls(io, options, found)) {
    const answer = await send(url, request).catch((error: Error) => {
      silent.push(`${url}: ${String(error.cause ?? error.message)}`);
      return undefined;
    });
    if (answer !== undefined) return (await read(answer)) as T;
  }
  throw new CliError('not-reachable', `No mirror of ${region} answers: ${silent.join('; ')}`);
}

/** What every mirror of the region answers; those that do not are told in `silent`. */
export async function askEachMirror<T>(
  io: Pick<Io, 'disk'>,
  options: PlatformOptions,
  region: Region,
  request: MirrorRequest,
): Promise<{ answers: T[]; silent: string[] }> {
  const urls = mirrorUrls(io, options, region);
  const settled = await Promise.allSettled(urls.map(async (url) => (await read(await send(url, request))) as T));
  return {
    answers: settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    silent: settled.flatMap((one, index) =>
      one.status === 'rejected' ? [`${urls[index]}: ${wordsOf(one.reason as Error)}`] : [],
    ),
  };
}

/** A mirror's own, or why none came. */
const wordsOf = (error: Error): string =>
  error instanceof CliError ? error.detail : String(error.cause ?? error.message);

function send(url: string, { method = 'GET', path, body, timeoutMs = LIMITS.requestTimeoutMs }: MirrorRequest) {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  return fetch(`${url}${path}`, { method, ...content, signal: AbortSignal.timeout(timeoutMs) });
}

async function read(answer: Response): Promise<unknown> {
  const text = await answer.text();
  const value = parsed(text);
  if (answer.ok) return value;
  const { error } = (value as { error?: string } | undefined) ?? {};
  const words = error ?? text.slice(0, 500);
  throw new CliError('refused', words === '' ? `${answer.url} answered ${answer.status}` : words);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
