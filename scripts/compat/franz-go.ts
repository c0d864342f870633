/** franz-go: a Go program in `franz-go/`. */
import { goClient } from './go-client.ts';

export const franzGoClient = goClient('franz-go', {
  plain: 'writes plain records and reads what was acknowledged',
  idempotent: 'writes idempotently and reads what was acknowledged',
  gzip: 'writes gzip records and reads what was acknowledged',
  snappy: 'writes snappy records and reads what was acknowledged',
  lz4: 'writes lz4 records and reads what was acknowledged',
  zstd: 'writes zstd records and reads what was acknowledged',
  topics: 'creates, grows, lists and deletes topics',
  configs: 'alters and describes configs',
  offsets: 'deletes records and lists offsets',
  'cluster-info': 'describes the cluster, its versions and its log dirs',
  group: 'two cooperative members share a topic',
  'group-admin': 'commits, reads the lag, deletes offsets and the group',
});
