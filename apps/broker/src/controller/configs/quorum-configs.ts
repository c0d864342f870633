/**
 * The configs of a node's part in the metadata quorum: Apache Kafka's names, types, ranges and defaults. Part of the table
 * in `broker-configs.ts`; read once, at the start.
 */
import type { ConfigDefinition } from './definition.ts';

export const QUORUM_CONFIGS: readonly ConfigDefinition[] = [
  {
    name: 'controller.quorum.election.timeout.ms',
    type: 'int',
    default: '1000',
    min: 1,
    documentation: 'How long a controller waits for votes, and a random part as long again, before it asks anew.',
  },
  {
    name: 'controller.quorum.fetch.timeout.ms',
    type: 'int',
    default: '2000',
    min: 1,
    documentation:
      'A controller that has reached no leader for so long asks for an election; a leader that no majority has fetched from for one and a half times as long resigns.',
  },
  {
    name: 'controller.quorum.request.timeout.ms',
    type: 'int',
    default: '2000',
    min: 1,
    documentation: 'How long a node waits for the answer of another to a question about the quorum.',
  },
  {
    name: 'controller.quorum.retry.backoff.ms',
    type: 'int',
    default: '20',
    min: 0,
    documentation: 'How long a node rests after such a question has failed.',
  },
  {
    name: 'metadata.log.max.record.bytes.between.snapshots',
    type: 'long',
    default: '20971520',
    min: 1,
    documentation: 'A snapshot of the metadata is written when its log has grown by so many bytes.',
  },
  {
    name: 'metadata.log.max.snapshot.interval.ms',
    type: 'long',
    default: '3600000',
    min: 0,
    documentation: 'The same when so much time has passed since the last one; 0: only by size.',
  },
];
