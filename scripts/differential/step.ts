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
  narrow?(answer: never): unknown;
  /** A read: asked again for a while when the answers differ, since Apache Kafka shows changes late. */
  readonly isRead: boolean;
  /** The step changes topics or configs: the script waits until both show it. */
  readonly changesMetadata: boolean;
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

export type StepMaker = (context: ScriptContext) => Step;

/** A step with its types checked against its API. */
export function step<A extends Api>(
  api: A,
  version: number,
  body: (side: Side) => RequestInput<A>,
  options: {
    keep?: (side: Side, answer: ResponseOf<A>) => void;
    narrow?: (answer: ResponseOf<A>) => unknown;
    isRead?: boolean;
    changesMetadata?: boolean;
  } = {},
): Step {
  return {
    api,
    version,
    body: body as Step['body'],
    isRead: options.isRead ?? false,
    changesMetadata: options.changesMetadata ?? false,
    ...(options.narrow ? { narrow: options.narrow as NonNullable<Step['narrow']> } : {}),
    ...(options.keep ? { keep: options.keep as NonNullable<Step['keep']> } : {}),
  };
}

/** Any of the versions from `min` on, each as likely. */
export function versionOf(random: SeededRandom, api: Api, min: number = api.minVersion): number {
  return random.between(Math.max(min, api.minVersion), api.maxVersion);
}
