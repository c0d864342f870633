/** confluent-kafka's producer and consumer, each a Python process (`confluent.py`) whose lines go into the ledger. */
import { join } from 'node:path';
import { installConfluent } from '../../compat/confluent.ts';
import type { ChaosClient, ChaosContext } from './chaos-client.ts';
import { argsOf, startLineProcess } from './line-process.ts';

const SCRIPT = join(import.meta.dirname, 'confluent.py');

export async function startConfluentProducer(name: string, context: ChaosContext): Promise<ChaosClient> {
  const { ledger } = context;
  return startPython('produce', name, context, (kind, [value = '', partition = '', ...rest]) => {
    if (kind === 'A') ledger.acknowledged(value, Number(partition), Number(rest[0]));
    else if (kind === 'U') ledger.unknown(value, Number(partition), rest.join(' '));
    else if (kind === 'E' && value !== '0') throw new Error(`${value} records without an answer`);
  });
}

/** Reads every partition from its beginning, on and on. */
export async function startConfluentReader(name: string, context: ChaosContext): Promise<ChaosClient> {
  const { ledger } = context;
  const received = ledger.reader(name);
  return startPython('read', name, context, (kind, [partition, offset, ...rest]) => {
    if (kind === 'R') ledger.received(received, Number(partition), { offset: Number(offset), value: rest.join(' ') });
    else if (kind === 'X') throw new Error(`${partition}@${offset}: ${rest.join(' ')}`);
  });
}

async function startPython(
  role: 'produce' | 'read',
  name: string,
  context: ChaosContext,
  take: (kind: string, fields: string[]) => void,
): Promise<ChaosClient> {
  const command = await installConfluent();
  const child = startLineProcess({ command, args: [SCRIPT, ...argsOf(role, context, name)], take });
  return { name, stop: () => child.stop() };
}
