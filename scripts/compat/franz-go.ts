/**
 * franz-go: a Go program that stands in `franz-go/` and is built on first use, through the module proxy. Each check is
 * one run of it. A change of its source builds anew.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PEERS_FOLDER } from '../peers/peers-folder.ts';
import { type CompatClient, installDebian, runTool } from './compat-client.ts';

const SOURCE = resolve(import.meta.dirname, 'franz-go');

const SENTENCES: Readonly<Record<string, string>> = {
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
};

export const franzGoClient: CompatClient = {
  name: 'franz-go',
  async install() {
    if (existsSync(binary())) return;
    installDebian('go', 'golang-go');
    mkdirSync(PEERS_FOLDER, { recursive: true });
    await runTool('go', ['build', '-C', SOURCE, '-o', binary(), '.']);
  },
  checks: Object.entries(SENTENCES).map(([check, name]) => ({
    name,
    run: async (platform) => void (await runTool(binary(), [platform.kafka('us-east'), check])),
  })),
};

function binary(): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(SOURCE, file)));
  return join(PEERS_FOLDER, `franz-go-${hash.digest('hex').slice(0, 16)}`);
}
