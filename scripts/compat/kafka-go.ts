/** kafka-go: a Go program in `kafka-go/`. */
import { goClient } from './go-client.ts';

export const kafkaGoClient = goClient('kafka-go', {
  plain: 'writes plain records and reads what was acknowledged',
  gzip: 'writes gzip records and reads what was acknowledged',
  snappy: 'writes snappy records and reads what was acknowledged',
  lz4: 'writes lz4 records and reads what was acknowledged',
  zstd: 'writes zstd records and reads what was acknowledged',
  conn: 'makes, fills, seeks in and deletes a topic over one connection',
  group: 'two readers of a group share a topic and commit',
  admin: 'describes and alters configs, offsets, groups and reassignments',
});
