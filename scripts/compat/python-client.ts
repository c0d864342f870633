/**
 * A client written for Python: installed at pinned versions into a virtual environment of its own, made once, with its
 * checks in `<name>/checks.py`. `checks.py BROKER CHECK` runs one of them and ends with 0, or with what was wrong.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PEERS_FOLDER } from '../peers/peers-folder.ts';
import { type CompatClient, runTool } from './compat-client.ts';

export interface PythonClient {
  readonly name: string;
  /** The client first; `name==version`. */
  readonly packages: readonly string[];
  /** Folder of `checks.py`. */
  readonly folder: string;
  /** Checks and what they say. */
  readonly sentences: Readonly<Record<string, string>>;
}

export function pythonClient({ name, packages, folder, sentences }: PythonClient): CompatClient {
  const environment = join(PEERS_FOLDER, packages.join('-').replaceAll('==', '-'));
  const python = join(environment, 'bin/python');
  const script = resolve(import.meta.dirname, folder, 'checks.py');
  return {
    name,
    async install() {
      if (existsSync(join(environment, 'complete'))) return;
      await runTool('python3', ['-m', 'venv', environment]);
      await runTool(python, ['-m', 'pip', 'install', '-q', ...packages]);
      await runTool('touch', [join(environment, 'complete')]);
    },
    checks: Object.entries(sentences).map(([check, sentence]) => ({
      name: sentence,
      run: async (platform) => void (await runTool(python, [script, platform.kafka('us-east'), check])),
    })),
  };
}
