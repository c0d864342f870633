/**
 * What a script is made of: requests that are the same for both brokers but for the ids that each gave. Made by the
 * files in `steps/`, run by `run-script.ts`.
 */
import type { Api, RequestInput, ResponseOf } from '@meridian/protocol';
import type { SeededRandom } from './seeded-random.ts';
import type { Side } from './side.ts';

export interface Step {
  readonly api: Api;
  readonly version: number;
  /** The request for one side; called when its turn comes. */
  body(side: Side): RequestInput<Api>;
  /** Keeps what later steps need of an answer. */
  keep?(side: Side, answer: never): void;
  /** What of an answer is compared, where other scripts show in it. */
  narrow?(answer: never, side: Side): unknown;
  /** A read: asked again for a while when the answers differ, since Apache Kafka shows changes late. */
  readonly isRead: boolean;
  /** The step changes topics or configs: the script waits until both show it. */
  readonly changesMetadata: boolean;
  /** `send` does not wait for the answer; `collect`, on the same connection, takes it. */
  readonly mode: 'ask' | 'send' | 'collect';
  readonly connection: number;
  /** Whoever is not answered by then waits for others who never come, on both sides. */
  readonly limitMs?: number;
  /** What is let pass first, so that timers of both brokers go off. */
  readonly pauseMs: number;
}

/** What the steps of one script draw from. */
export interface ScriptContext {
  readonly random: SeededRandom;
  /** Names of this script alone; most steps are about these. */
  readonly topics: readonly string[];
  readonly groups: readonly string[];
  /** Milliseconds since the Unix epoch that timestamps lie around. */
  readonly now: number;
}

/** One step, or several that make sense in this order only. */
export type StepMaker = (context: ScriptContext) => Step | readonly Step[];

export interface StepOptions<A extends Api> {
  readonly keep?: (side: Side, answer: ResponseOf<A>) => void;
  readonly narrow?: (answer: ResponseOf<A>, side: Side) => unknown;
  readonly isRead?: boolean;
  readonly changesMetadata?: boolean;
  readonly mode?: Step['mode'];
  readonly connection?: number;
  readonly limitMs?: number;
  readonly pauseMs?: number;
}

/** A step with its types checked against its API. */
export function step<A extends Api>(
  api: A,
  version: number,
  body: (side: Side) => RequestInput<A>,
  options: StepOptions<A> = {},
): Step {
  const { isRead = false, changesMetadata = false, mode = 'ask', connection = 0, pauseMs = 0, ...rest } = options;
  return {
    api,
    version,
    body: body as Step['body'],
    isRead,
    changesMetadata,
    mode,
    connection,
    pauseMs,
    ...(rest as Pick<Step, 'keep' | 'narrow' | 'limitMs'>),
  };
}

/** Any of the versions from `min` on, each as likely. */
export function versionOf(random: SeededRandom, api: Api, min: number = api.minVersion): number {
  return random.between(Math.max(min, api.minVersion), api.maxVersion);
}
