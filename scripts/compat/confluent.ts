/** confluent-kafka (librdkafka under Python): producers, admin, group consumers. */
import { installPython, pythonClient } from './python-client.ts';

const PACKAGES = ['confluent-kafka==2.16.1'];

/** Resolves with the Python that has it. */
export const installConfluent = (): Promise<string> => installPython(PACKAGES);

export const confluentClient = pythonClient({
  name: 'confluent-kafka',
  packages: PACKAGES,
  folder: 'confluent',
  sentences: {
    'round-trip-none': 'writes plain records and reads what was acknowledged',
    'round-trip-gzip': 'writes gzip records and reads what was acknowledged',
    'round-trip-snappy': 'writes snappy records and reads what was acknowledged',
    'round-trip-lz4': 'writes lz4 records and reads what was acknowledged',
    'round-trip-zstd': 'writes zstd records and reads what was acknowledged',
    idempotent: 'writes idempotently and reads what was acknowledged',
    topics: 'creates, grows, describes and deletes topics',
    configs: 'describes and alters configs, and is refused a wrong value',
    offsets: 'lists offsets and deletes records',
    times: 'seeks by time',
    large: 'is refused a record over max.message.bytes',
    shared: 'two members share a topic and commit',
    cooperative: 'static members rebalance cooperatively, one by a pattern',
    groups: 'lists, describes, moves and deletes groups',
  },
});
