/** I12: every batch of a replica has a sound CRC, and they follow one another. */
import { isSound, type StoredReplica } from '../stored-replica.ts';

export function soundBatches({ nodeId, topic, index, batches }: StoredReplica): string[] {
  let last = -1;
  return batches.flatMap((batch) => {
    const { offset } = batch;
    const place = `node ${nodeId}, ${topic}-${index}: the batch at ${offset}`;
    const wrong: string[] = [];
    if (!isSound(batch)) wrong.push(`${place} has a wrong CRC`);
    if (offset <= last) wrong.push(`${place} stands behind ${last}`);
    last = offset;
    return wrong;
  });
}
