// Makes `npm start` and `npm test` work on a fresh clone: installs the dependencies when what
// lies in node_modules is not what the lockfile says. Runs on the user's own Node (>= 20), before
// anything of ours is installed, so it is plain JavaScript and needs nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8'));

/** True when every package of the lockfile that belongs on this machine is installed in its version. */
function isInstalled() {
  if (!existsSync(new URL('node_modules/.package-lock.json', root))) return false;
  const wanted = read('package-lock.json').packages;
  const present = read('node_modules/.package-lock.json').packages;
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' ||
      !path.startsWith('node_modules/') ||
      entry.optional ||
      entry.link ||
      present[path]?.version === entry.version,
  );
}

const isFresh = !isInstalled();
if (isFresh) {
  // Errors only: npm would warn of packages that do not know the user's Node, but they run on the pinned one.
  console.error('meridian: installing dependencies (once)…');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) process.exit(status ?? 1);
}
const runtime = new URL('node_modules/node/bin/node', root);
if (!existsSync(runtime) || spawnSync(runtime.pathname, ['-v']).status !== 0) {
  console.error(
    'meridian: the runtime package "node" did not install its binary. If npm runs with ignore-scripts=true, run: npm rebuild node --ignore-scripts=false',
  );
  process.exit(1);
}

/** What `npm start` loads, brought into its compile cache: its first start is then as fast and small as the next ones. */
function warmCompileCache() {
  const env = { ...process.env, NODE_COMPILE_CACHE: new URL('node_modules/.cache/meridian', root).pathname };
  const node = (...args) => spawnSync(runtime.pathname, args, { cwd: root, env, stdio: 'ignore', timeout: 30_000 });
  const late = ['./apps/meridian/src/commands/local.ts', './apps/gateway/src/http/http-server.ts', 'fastify'];
  node('--input-type=module', '-e', `await Promise.all(${JSON.stringify(late)}.map((path) => import(path)))`);
  for (const app of ['broker', 'mirror', 'gateway', 'meridian']) node(`apps/${app}/src/main.ts`);
}

if (isFresh) warmCompileCache();
