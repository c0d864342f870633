/**
 * Carries who may read from topics to their copies, where a link says `follow.acls` and both regions have an authorizer.
 * Run by the link's keeper. What is denied follows like what is allowed; what may write never does.
 * Invariant: of the target's rules only those are taken back that this process has seen go at the source: a rule that was
 * made there by somebody else stays.
 */
import type { AclRule, LogAdmin } from '@meridian/client';
import type { Io, Logger } from '@meridian/io';
import { ERROR, errorName } from '@meridian/protocol';
import type { LinkSpec, NameMatcher } from '@meridian/service';
import type { MirrorLimits } from '../limits.ts';
import type { Companion } from './companion.ts';
import { copyName } from './reconcile.ts';

const TOPIC = 2;
const LITERAL = 3;
const PREFIXED = 4;
const OPERATION = { all: 2, read: 3, describe: 8 } as const;

export interface AclFollowOptions {
  readonly io: Pick<Io, 'timers'>;
  readonly log: Logger;
  readonly limits: Pick<MirrorLimits, 'aclRoundMs' | 'requestTimeoutMs'>;
  readonly spec: Pick<LinkSpec, 'name' | 'from' | 'policy'>;
  readonly selects: NameMatcher;
  readonly source: Pick<LogAdmin, 'describeAcls'>;
  readonly target: Pick<LogAdmin, 'describeAcls' | 'createAcls' | 'deleteAcls'>;
}

export class AclFollow implements Companion {
  trouble: string | null = null;
  /** One of the regions has no authorizer: there is nothing to follow. */
  notice: string | null = null;
  private readonly options: AclFollowOptions;
  private readonly stopping = new AbortController();
  private readonly loop: Promise<void>;
  /** As wanted of the target when we last looked. */
  private before = new Map<string, AclRule>();

  constructor(options: AclFollowOptions) {
    this.options = options;
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { io, limits, log, spec } = this.options;
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const told = this.trouble;
      try {
        this.trouble = await this.follow({ timeoutMs: limits.requestTimeoutMs, signal });
      } catch (error) {
        this.trouble = `rules do not follow: ${(error as Error).message}`;
      }
      if (signal.aborted) return;
      if (this.trouble !== null && this.trouble !== told) log.warn(this.trouble, { link: spec.name });
      await io.timers.sleep(limits.aclRoundMs, signal);
    }
  }

  /** Returns what keeps rules from following. */
  private async follow(call: { timeoutMs: number; signal: AbortSignal }): Promise<string | null> {
    const { source, target, spec, selects } = this.options;
    const filter = { resourceType: TOPIC };
    const [origin, here] = await Promise.all([source.describeAcls(filter, call), target.describeAcls(filter, call)]);
    this.notice = noAuthorizer(origin, here, spec.from);
    if (origin === 'off' || here === 'off') return null;
    const wanted = new Map(
      origin.flatMap((rule) => copiedRules(rule, spec, selects)).map((rule) => [keyOf(rule), rule]),
    );
    const present = new Set(here.map(keyOf));
    const missing = [...wanted].flatMap(([key, rule]) => (present.has(key) ? [] : [rule]));
    const revoked = [...this.before].flatMap(([key, rule]) => (!wanted.has(key) && present.has(key) ? [rule] : []));
    // What is denied comes first, and what is allowed goes first.
    const outcomes = [
      ...(revoked.length === 0 ? [] : await target.deleteAcls(revoked, call)),
      ...(missing.length === 0
        ? []
        : await target.createAcls(
            missing.sort((a, b) => a.permissionType - b.permissionType),
            call,
          )),
    ];
    const failed = outcomes.find(({ errorCode }) => errorCode !== ERROR.NONE);
    // What was not taken back is tried again.
    if (failed === undefined) this.before = wanted;
    return failed === undefined ? null : `rules do not follow: ${failed.errorMessage ?? errorName(failed.errorCode)}`;
  }
}

function noAuthorizer(origin: readonly AclRule[] | 'off', here: readonly AclRule[] | 'off', from: string) {
  if (origin === 'off') return `rules do not follow: ${from} has no authorizer`;
  return here === 'off' ? 'rules do not follow: there is no authorizer here' : null;
}

/** A rule for everything is one for reading: copies are not written to by anybody but the mirror. */
function copiedRules(rule: AclRule, spec: AclFollowOptions['spec'], selects: NameMatcher): AclRule[] {
  const { resourceName, patternType, operation } = rule;
  const isLiteral = patternType === LITERAL && resourceName !== '*' && selects(resourceName);
  if (!isLiteral && patternType !== PREFIXED) return [];
  const operations = operation === OPERATION.all ? [OPERATION.read, OPERATION.describe] : [operation];
  return operations
    .filter((each) => each === OPERATION.read || each === OPERATION.describe)
    .map((each) => ({ ...rule, operation: each, resourceName: copyName(spec, resourceName) }));
}

const keyOf = ({ resourceName, patternType, principal, host, operation, permissionType }: AclRule): string =>
  JSON.stringify([resourceName, patternType, principal, host, operation, permissionType]);
