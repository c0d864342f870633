/**
 * A client written for Go: a program in a folder of its own, built on first use through the module proxy, and anew when
 * its source changes. `PROGRAM BROKER CHECK` runs one check and ends with 0, or with what was wrong.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PEERS_FOLDER } from '../peers/peers-folder.ts';
import { type CompatClient, installDebian, runTool } from './compat-client.ts';

/** Checks and what they say; the folder bears the client's name. */
export function goClient(name: string, sentences: Readonly<Record<string, string>>): CompatClient {
  const source = resolve(import.meta.dirname, name);
  return {
    name,
    async install() {
      if (existsSync(binaryOf(name, source))) return;
      installDebian('go', 'golang-go');
      mkdirSync(PEERS_FOLDER, { recursive: true });
      await runTool('go', ['build', '-C', source, '-o', binaryOf(name, source), '.']);
    },
    checks: Object.entries(sentences).map(([check, sentence]) => ({
      name: sentence,
      run: async (platform) => void (await runTool(binaryOf(name, source), [platform.kafka('us-east'), check])),
    })),
  };
}

function binaryOf(name: string, source: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(source).sort()) hash.update(readFileSync(join(source, file)));
  return join(PEERS_FOLDER, `${name}-${hash.digest('hex').slice(0, 16)}`);
}
