/**
 * confluent-kafka (librdkafka under Python): producers, admin, group consumers. The checks are in
 * `confluent/checks.py`; each runs in a process of its own, in a virtual environment that is made once.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PEERS_FOLDER } from '../peers/peers-folder.ts';
import { type CompatClient, runTool } from './compat-client.ts';

const VERSION = '2.16.1';
const FOLDER = join(PEERS_FOLDER, `confluent-kafka-${VERSION}`);
const PYTHON = join(FOLDER, 'bin/python');
const CHECKS = resolve(import.meta.dirname, 'confluent/checks.py');

const SENTENCES: Readonly<Record<string, string>> = {
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
};

export const confluentClient: CompatClient = {
  name: 'confluent-kafka',
  async install() {
    if (existsSync(join(FOLDER, 'complete'))) return;
    await runTool('python3', ['-m', 'venv', FOLDER]);
    await runTool(PYTHON, ['-m', 'pip', 'install', '-q', `confluent-kafka==${VERSION}`]);
    await runTool('touch', [join(FOLDER, 'complete')]);
  },
  checks: Object.entries(SENTENCES).map(([check, name]) => ({
    name,
    run: async (platform) => void (await runTool(PYTHON, [CHECKS, platform.kafka('us-east'), check])),
  })),
};
