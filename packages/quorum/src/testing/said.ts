/** Effects and messages in words, for transcripts that can be read aloud. */
import type { QuorumEffect, RaftRequest, RaftResponse } from '../messages.ts';

const place = ({ offset, epoch }: { offset: number; epoch: number }): string => `${offset} of epoch ${epoch}`;
const ids = (keys: readonly { id: number }[]): string => keys.map(({ id }) => id).join(' ') || 'nobody';

export function said(effect: QuorumEffect): string {
  switch (effect.kind) {
    case 'persist': {
      const { epoch, leaderId, voted } = effect.state;
      return `writes down epoch ${epoch}, leader ${leaderId}, vote ${voted?.id ?? 'none'}`;
    }
    case 'send':
      return `→ ${effect.to} ${saidRequest(effect.request)}`;
    case 'answer':
      return `answers ${saidResponse(effect.response)}`;
    case 'answerFetch':
      return `answers ${saidResponse(effect.response)}, records from ${effect.from}`;
    case 'answerSnapshot':
      return `answers with snapshot ${place(effect.request.snapshot)} from byte ${effect.request.position}`;
    case 'append':
      return `appends ${saidBatch(effect)} at ${effect.baseOffset}`;
    case 'appendFetched':
      return `appends what came, ${effect.batches[0]?.baseOffset} to ${effect.batches.at(-1)?.nextOffset}`;
    case 'refused':
      return `refuses ${effect.proposal}: ${effect.error}`;
    case 'truncate':
      return `cuts its log to ${effect.to}`;
    case 'writeSnapshot':
      return `writes ${effect.bytes.length} bytes of snapshot ${place(effect.snapshot)}`;
    case 'remembers':
      return 'has again what it may have had';
    case 'distrusted':
      return `takes nothing of it: ${effect.why}`;
    case 'installSnapshot':
      return `puts snapshot ${place(effect.snapshot)} in place of its log`;
    case 'committed':
      return `committed below ${effect.highWatermark}`;
    case 'role':
      return `is ${effect.role} in epoch ${effect.epoch}`;
  }
}

function saidBatch({ batch }: Extract<QuorumEffect, { kind: 'append' }>): string {
  if (batch.kind === 'leaderChange') {
    const voters = batch.recorded === undefined ? '' : `, voters ${ids(batch.recorded.voters)}`;
    return `leader change, by votes of ${ids(batch.grantingVoters)}${voters}`;
  }
  return batch.kind === 'voters' ? `voters ${ids(batch.voters)}` : `${batch.proposal}`;
}

export function saidRequest(request: RaftRequest): string {
  switch (request.api) {
    case 'Vote':
      return `${request.preVote ? 'pre-vote' : 'vote'} in epoch ${request.epoch}? log ends at ${place(request.last)}`;
    case 'Fetch':
      return `fetch from ${request.fetchOffset} of epoch ${request.lastFetchedEpoch}, in epoch ${request.epoch}`;
    case 'FetchSnapshot':
      return `fetch snapshot ${place(request.snapshot)} from byte ${request.position}`;
    case 'BeginQuorumEpoch':
      return `${request.leaderId} leads epoch ${request.epoch}`;
    case 'EndQuorumEpoch':
      return `${request.leaderId} gives up epoch ${request.epoch}, best next: ${ids(request.preferredSuccessors)}`;
    default:
      return `${request.api} ${request.voter.id}`;
  }
}

function saidResponse(response: RaftResponse): string {
  const { api, error, epoch, leaderId } = response;
  const head = `${api} ${error === 'NONE' ? '' : `${error} `}(epoch ${epoch}, leader ${leaderId})`;
  if (response.api === 'Vote') return `${head} ${response.granted ? 'granted' : 'not granted'}`;
  if (response.api !== 'Fetch') return head;
  const { diverging, snapshot, highWatermark } = response;
  if (diverging !== undefined) return `${head} diverging: ends at ${place(diverging)}`;
  return snapshot === undefined ? `${head} high watermark ${highWatermark}` : `${head} snapshot ${place(snapshot)}`;
}
