/** aiokafka: producers, group consumers and admin in an event loop of Python's; by pattern and by time too. */
import { pythonClient } from './python-client.ts';

export const aiokafkaClient = pythonClient({
  name: 'aiokafka',
  packages: ['aiokafka==0.14.0', 'cramjam==2.14.0'],
  folder: 'aiokafka',
  sentences: {
    plain: 'writes plain records and reads what was acknowledged',
    gzip: 'writes gzip records and reads what was acknowledged',
    snappy: 'writes snappy records and reads what was acknowledged',
    lz4: 'writes lz4 records and reads what was acknowledged',
    zstd: 'writes zstd records and reads what was acknowledged',
    idempotent: 'writes idempotently and reads what was acknowledged',
    shared: 'two members share a topic and commit',
    pattern: 'a member by a pattern gets topics that come later',
    seeks: 'seeks by offset and time, pauses and goes on',
    admin: 'grows, configures, empties and deletes a topic, lists groups',
    large: 'is refused a record over max.message.bytes',
  },
});
