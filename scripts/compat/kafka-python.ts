/** kafka-python: producers, group consumers and the whole of its admin client, in plain Python. */
import { pythonClient } from './python-client.ts';

export const kafkaPythonClient = pythonClient({
  name: 'kafka-python',
  packages: ['kafka-python==3.0.12', 'python-snappy==0.7.3', 'lz4==4.4.5', 'zstandard==0.25.0', 'cramjam==2.14.0'],
  folder: 'kafka-python',
  sentences: {
    plain: 'writes plain records and reads what was acknowledged',
    gzip: 'writes gzip records and reads what was acknowledged',
    snappy: 'writes snappy records and reads what was acknowledged',
    lz4: 'writes lz4 records and reads what was acknowledged',
    zstd: 'writes zstd records and reads what was acknowledged',
    idempotent: 'writes idempotently and reads what was acknowledged',
    shared: 'two members share a topic, and one takes over from the other',
    seeks: 'seeks by offset and time',
    topics: 'creates, grows, configures, empties and deletes topics',
    cluster: 'describes the cluster, and is told what is off',
    groups: 'commits for a group, describes and deletes it',
    large: 'is refused a record over max.message.bytes',
  },
});
