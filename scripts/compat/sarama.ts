/** sarama: a Go program in `sarama/`. */
import { goClient } from './go-client.ts';

export const saramaClient = goClient('sarama', {
  sync: 'writes plain records and reads what was acknowledged',
  gzip: 'writes gzip records and reads what was acknowledged',
  snappy: 'writes snappy records and reads what was acknowledged',
  lz4: 'writes lz4 records and reads what was acknowledged',
  zstd: 'writes zstd records and reads what was acknowledged',
  idempotent: 'writes idempotently and reads what was acknowledged',
  old: 'writes and reads in the versions of an old cluster, without asking for ours',
  'offset-manager': 'keeps an offset with its metadata',
  group: 'two sticky members share a topic and commit',
  topics: 'creates, grows, configures, empties and deletes a topic',
  cluster: 'describes the cluster, and is told what is off',
  groups: 'lists, describes and deletes groups',
});
