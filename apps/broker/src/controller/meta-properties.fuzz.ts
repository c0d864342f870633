/**
 * Fuzzing of `meta.properties`: `npm run fuzz -- meta-properties`. Only BrokerError may come out, and a folder that is
 * opened has the ids that its file says.
 */
import type { Io } from '@meridian/io';
import { BrokerError } from '../errors.ts';
import { openDataFolder } from './data-folder.ts';

const FILE = '#\n#Sat Jan 03 10:00:00 UTC 2026\nnode.id=1\ndirectory.id=e8SgFYBjTzuhcWnXcBfJXQ\nversion=1\ncluster.id=';
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg';

export function corpus(): Buffer[] {
  const texts = [`${FILE}${CLUSTER_ID}\n`, FILE.replaceAll('=', ' : '), '', 'version=2\n', 'a\\=b=c\\\\\r\n'];
  return texts.map((text) => Buffer.from(text));
}

export function fuzz(input: Buffer): unknown {
  const disk: Partial<Io['disk']> = {
    makeFolder: () => {},
    syncFolder: () => {},
    lock: () => ({ release: () => {} }),
    exists: (path) => path.endsWith('meta.properties'),
    readFile: () => input,
  };
  try {
    const io = { disk } as unknown as Io;
    const folder = openDataFolder({ io, path: '/data', nodeId: 1, clusterId: undefined });
    if (!input.toString('latin1').replaceAll('\\', '').includes(folder.clusterId.replaceAll('\\', ''))) {
      throw new Error(`cluster ${folder.clusterId} out of nothing`);
    }
    return folder;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return undefined;
  }
}
