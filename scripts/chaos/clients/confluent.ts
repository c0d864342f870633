/** confluent-kafka's producer and consumer, each a Python process (`confluent.py`) whose lines go into the ledger. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { installConfluent } from '../../compat/confluent.ts';
import type { ChaosClient, ChaosContext } from './chaos-client.ts';

const SCRIPT = join(import.meta.dirname, 'confluent.py');
const STOP_LIMIT_MS = 120_000;

export async function startConfluentProducer(name: string, context: ChaosContext): Promise<ChaosClient> {
  const python = await installConfluent();
  const { ledger } = context;
  return startPython(python, 'produce', name, context, (kind, [value = '', partition = '', ...rest]) => {
    if (kind === 'A') ledger.acknowledged(value, Number(partition), Number(rest[0]));
    else if (kind === 'U') ledger.unknown(value, Number(partition), rest.join(' '));
    else if (kind === 'E' && value !== '0') throw new Error(`${name}: ${value} records without an answer`);
  });
}

/** Reads every partition from its beginning, on and on. */
export async function startConfluentReader(name: string, context: ChaosContext): Promise<ChaosClient> {
  const python = await installConfluent();
  const { ledger } = context;
  const received = ledger.reader(name);
  return startPython(python, 'read', name, context, (kind, [partition, offset, ...rest]) => {
    if (kind === 'R') ledger.received(received, Number(partition), { offset: Number(offset), value: rest.join(' ') });
    else if (kind === 'X') throw new Error(`${name}: ${partition}@${offset}: ${rest.join(' ')}`);
  });
}

function startPython(
  python: string,
  role: 'produce' | 'read',
  name: string,
  { bootstrap, topic, partitions }: ChaosContext,
  take: (kind: string, fields: string[]) => void,
): ChaosClient {
  const args = [SCRIPT, role, bootstrap, topic, String(partitions), name];
  const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  let failure: Error | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [kind = '', ...fields] = line.split(' ');
    try {
      take(kind, fields);
    } catch (error) {
      failure ??= error as Error;
    }
  });
  const ended = endOf(child);
  return {
    name,
    async stop() {
      child.stdin.on('error', () => {}); // it has ended by itself: its exit code tells
      child.stdin.end('end\n');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      const how = await ended;
      clearTimeout(timer);
      process.off('exit', killAtExit);
      if (how !== '0') throw new Error(`${name} ended with ${how}`);
      if (failure !== undefined) throw failure;
    },
  };
}

/** When the last line has been taken, too. */
const endOf = (child: ChildProcess): Promise<string> =>
  new Promise((done) => child.once('close', (code, signal) => done(String(code ?? signal))));
