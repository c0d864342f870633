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
  const python = pythonOf(packages);
  const script = resolve(import.meta.dirname, folder, 'checks.py');
  return {
    name,
    install: async () => void (await installPython(packages)),
    checks: Object.entries(sentences).map(([check, sentence]) => ({
      name: sentence,
      run: async (platform) => void (await runTool(python, [script, platform.kafka('us-east'), check])),
    })),
  };
}

const environmentOf = (packages: readonly string[]): string =>
  join(PEERS_FOLDER, packages.join('-').replaceAll('==', '-'));
const pythonOf = (packages: readonly string[]): string => join(environmentOf(packages), 'bin/python');

/** A virtual environment with these packages, made once; resolves with its interpreter. */
export async function installPython(packages: readonly string[]): Promise<string> {
  const environment = environmentOf(packages);
  const python = pythonOf(packages);
  if (existsSync(join(environment, 'complete'))) return python;
  await runTool('python3', ['-m', 'venv', environment]);
  await runTool(python, ['-m', 'pip', 'install', '-q', ...packages]);
  await runTool('touch', [join(environment, 'complete')]);
  return python;
}
