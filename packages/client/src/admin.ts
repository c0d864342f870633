/**
 * The calls of the client that are no record's: topics, logs, groups, fences. Made by `createClient`, which hands on
 * what is in here as it is. Invariant: every call ends with the client at the latest (`withClosing`).
 */
import { type Api, ERROR, errorName, InitProducerId, type RequestInput, type ResponseOf } from '@meridian/protocol';
import { backoffMs } from './backoff.ts';
import type { Client } from './client-interface.ts';
import { Coordinators } from './coordinators.ts';
import { Deadline } from './deadline.ts';
import { ClientError } from './errors.ts';
import { commitOffsets, committedOffsets, groupMembers, listGroups } from './group-admin.ts';
import { listOffsets, offsetForLeaderEpoch } from './leader-queries.ts';
import { alterTopicConfigs, createAcls, deleteAcls, deleteRecords, deleteTopics, describeAcls } from './log-admin.ts';
import { type MemberContext, RunningMember } from './member/running-member.ts';
import type { MetadataCache } from './metadata-cache.ts';
import { createPartitions, createTopics, describeTopicConfigs } from './topic-admin.ts';
import { fence } from './transaction-fence.ts';
import { Turns } from './turns.ts';
import type { CallOptions, SendOptions } from './types.ts';

/** There is no controller for the moment, or it has not answered the broker that was asked. */
const PASSING: ReadonlySet<number> = new Set<number>([
  ERROR.NOT_CONTROLLER,
  ERROR.REQUEST_TIMED_OUT,
  ERROR.COORDINATOR_LOAD_IN_PROGRESS,
  ERROR.COORDINATOR_NOT_AVAILABLE,
]);

/** Kafka's bound of a transaction's time; it means nothing without transactions, but must be sent. */
const TRANSACTION_TIMEOUT_MS = 60_000;

export interface AdminOptions extends Omit<MemberContext, 'coordinators'> {
  readonly metadata: MetadataCache;
  withClosing<O extends CallOptions>(options: O): O;
}

/** What `Client` has and the client's core has not. */
export type AdminCalls = Omit<Client, 'send' | 'metadata' | 'leaderOf' | 'supports' | 'produce' | 'fetcher' | 'close'>;

export function createAdmin(options: AdminOptions): AdminCalls {
  const { io, limits, metadata, withClosing } = options;
  const coordinators = new Coordinators(options);
  const context = { ...options, coordinators };
  const fences = new Turns(limits.fencesInFlight);
  let nextMemberId = 0;
  const queries = { io, limits, metadata, request: options.send };
  const request: UntilAnswered = (api, body, isHarmless, call) => untilAnswered(options, api, body, isHarmless, call);
  const topics = { adminTimeoutMs: limits.requestTimeoutMs, request };
  return {
    listOffsets: (asked, call = {}) => listOffsets(queries, asked, withClosing(call)),
    offsetForLeaderEpoch: (asked, call = {}) => offsetForLeaderEpoch(queries, asked, withClosing(call)),
    createTopics: (wanted, call = {}) => createTopics(topics, wanted, call),
    createPartitions: (wanted, call = {}) => createPartitions(topics, wanted, call),
    describeTopicConfigs: (names, call = {}) => describeTopicConfigs(topics, names, call),
    initProducerId: (call = {}) => initProducerId(request, call),
    fence: (id, partitions, call = {}) => {
      const options = withClosing(call);
      return fences.run(`fence ${id}`, options.signal, () => fence(context, id, partitions, options));
    },
    listGroups: (call = {}) => listGroups(context, withClosing(call)),
    groupMembers: (group, call = {}) => groupMembers(context, group, withClosing(call)),
    committedOffsets: (groups, call = {}) => committedOffsets(context, groups, withClosing(call)),
    commitOffsets: (group, offsets, call = {}) => commitOffsets(context, group, offsets, withClosing(call)),
    deleteRecords: (records, call = {}) => deleteRecords(queries, records, withClosing(call)),
    deleteTopics: (names, call = {}) => deleteTopics(topics, names, call),
    alterTopicConfigs: (changes, call = {}) => alterTopicConfigs(topics, changes, call),
    describeAcls: (filter, call = {}) => describeAcls(topics, filter, call),
    createAcls: (rules, call = {}) => createAcls(topics, rules, call),
    deleteAcls: (rules, call = {}) => deleteAcls(topics, rules, call),
    joinGroup: (member) => new RunningMember(context, nextMemberId++, member),
  };
}

type UntilAnswered = <A extends Api>(
  api: A,
  body: RequestInput<A>,
  isHarmless: boolean,
  call: SendOptions,
) => Promise<ResponseOf<A>>;

/** Of any broker; of another one if that cannot be reached, or, where asking twice is harmless, breaks off. */
async function untilAnswered<A extends Api>(
  { io, limits, send, withClosing }: AdminOptions,
  api: A,
  body: RequestInput<A>,
  isHarmless: boolean,
  call: SendOptions,
): Promise<ResponseOf<A>> {
  const deadline = new Deadline(io, withClosing(call), limits.requestTimeoutMs, api.name);
  for (let attempt = 1; ; attempt++) {
    const left = { ...call, timeoutMs: deadline.remainingMs(), ...(deadline.signal && { signal: deadline.signal }) };
    const rest = (): Promise<boolean> => deadline.sleep(backoffMs(io.random, limits, attempt));
    try {
      const answer = await send(api, body, 'any', left);
      const { errorCode = ERROR.NONE } = answer as { errorCode?: number };
      if (!PASSING.has(errorCode) || !(await rest())) return answer;
    } catch (error) {
      const code = error instanceof ClientError ? error.code : undefined;
      const isWorthMore = code === 'unreachable' || (code === 'disconnected' && isHarmless);
      if (!isWorthMore || !(await rest())) throw error;
    }
  }
}

async function initProducerId(
  request: UntilAnswered,
  call: CallOptions,
): Promise<{ producerId: number; producerEpoch: number }> {
  const body = { transactionalId: null, transactionTimeoutMs: TRANSACTION_TIMEOUT_MS };
  const answer = await request(InitProducerId, body, true, call);
  if (answer.errorCode !== ERROR.NONE) throw new ClientError('refused', errorName(answer.errorCode));
  return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
}
