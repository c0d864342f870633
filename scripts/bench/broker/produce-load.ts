/** Produce at full speed: one batch a request, made once and sent again and again, over all partitions in turn. */
import { ERROR, errorName } from '@meridian/protocol';
import { CONNECTIONS, type Load, type LoadResult, runClosedLoop } from './closed-loop.ts';
import type { Contestant } from './contestant.ts';
import { type Payload, produceErrorAt, produceFrame } from './payloads.ts';
import { withTopic } from './topic.ts';

export const PARTITIONS = 6;

export function produceRound(
  contestant: Contestant,
  payload: Payload,
  acks: number,
  durationMs: number,
): Promise<LoadResult> {
  return withTopic(contestant, { partitions: PARTITIONS, first: payload }, (topic) =>
    runClosedLoop(contestant, produceLoad(topic, payload, acks), durationMs),
  );
}

export function produceLoad(topic: string, payload: Payload, acks: number): Load {
  const frames = Array.from({ length: PARTITIONS }, (_, index) => produceFrame(topic, index, payload, acks));
  const turns = new Array<number>(CONNECTIONS).fill(0);
  const errorAt = produceErrorAt(topic);
  return {
    // Connection 0 has partitions 0 and 3, connection 1 has 1 and 4, and so on.
    next: (connection) => {
      const turn = turns[connection]!++;
      return frames[connection + CONNECTIONS * (turn % (PARTITIONS / CONNECTIONS))]!;
    },
    take: (_answerBytes, head) => {
      const errorCode = head.readInt16BE(errorAt);
      if (errorCode !== ERROR.NONE) throw new Error(`Produce: ${errorName(errorCode)}`);
      return payload.batch.length;
    },
  };
}
