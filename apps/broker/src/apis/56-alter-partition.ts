/**
 * AlterPartition: a partition's leader asks for another in-sync set. All checks are the decision's; before version 3 the
 * members come without their epochs, and these are not checked.
 */
import { AlterPartition, ERROR, type RequestOf } from '@meridian/protocol';
import type { AlteredPartition } from '../controller/commands.ts';
import type { Handler, HandlerReach } from './handler.ts';
import { orWhenInactive } from './when-inactive.ts';

const EPOCHS_SINCE = 3;
const UNCHECKED_EPOCH = -1;

export function createAlterPartitionHandler({ submit }: Pick<HandlerReach, 'submit'>): Handler<typeof AlterPartition> {
  return {
    api: AlterPartition,
    handle({ brokerId, brokerEpoch, topics }, { version }) {
      const asked = submit({
        kind: 'alterPartition',
        brokerId,
        brokerEpoch,
        topics: topics.map(({ topicId, partitions }) => {
          return { topicId, partitions: partitions.map((each) => withEpochs(each, version)) };
        }),
      });
      return orWhenInactive(asked, { errorCode: ERROR.NOT_CONTROLLER, topics: [] });
    },
  };
}

type Asked = RequestOf<typeof AlterPartition>['topics'][number]['partitions'][number];

function withEpochs({ newIsr, newIsrWithEpochs, ...rest }: Asked, version: number): AlteredPartition {
  if (version >= EPOCHS_SINCE) return { ...rest, newIsr: newIsrWithEpochs };
  return { ...rest, newIsr: newIsr.map((brokerId) => ({ brokerId, brokerEpoch: UNCHECKED_EPOCH })) };
}
