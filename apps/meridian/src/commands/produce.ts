/**
 * `meridian produce`: one record of `--key` and `--value`, or one per line of stdin, over a gateway. With `--json`
 * each record's coordinates go to stdout, in the order of the input.
 * Invariant: it succeeds only if every record was acknowledged.
 */
import { createInterface } from 'node:readline';
import type { Io } from '@meridian/io';
import type { Meridian, OutgoingRecord } from '@meridian/sdk';
import { CliError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Terminal } from '../terminal.ts';
import { connectGateway, type GatewayOptions } from './gateway-client.ts';

export interface ProduceOptions extends GatewayOptions {
  key?: string;
  value?: string;
  keySeparator?: string;
  partition?: number;
  idempotent?: boolean;
}

export async function produce(io: Io, terminal: Terminal, topic: string, options: ProduceOptions): Promise<void> {
  if (options.value === undefined && options.key !== undefined && options.keySeparator !== undefined) {
    throw new CliError('bad-option', '--key and --key-separator exclude each other.');
  }
  const meridian = await connectGateway(io, terminal, options);
  try {
    const { sent, failed } = await sendAll(meridian, terminal, topic, options);
    if (failed > 0) throw new CliError('publish-failed', `${failed} of ${sent} records failed.`);
    terminal.say(`${sent} ${sent === 1 ? 'record' : 'records'} acknowledged`);
  } finally {
    await meridian.close();
  }
}

async function sendAll(
  meridian: Meridian,
  terminal: Terminal,
  topic: string,
  options: ProduceOptions,
): Promise<{ sent: number; failed: number }> {
  let sent = 0;
  let failed = 0;
  const onTheWay: Promise<void>[] = [];
  let told = Promise.resolve();
  for await (const record of recordsOf(options)) {
    sent += 1;
    const number = sent;
    const before = told;
    const published = meridian.publish(topic, record, { idempotent: options.idempotent ?? false });
    told = published.then(
      async (coordinates) => {
        await before;
        if (options.json) terminal.data(JSON.stringify({ topic, ...coordinates }));
      },
      async (error: Error) => {
        await before;
        failed += 1;
        if (failed <= LIMITS.maxFailuresShown) terminal.say(`record ${number}: ${error.message}`);
      },
    );
    onTheWay.push(told);
    if (onTheWay.length >= LIMITS.maxInFlightRecords) await onTheWay.shift();
  }
  await told;
  return { sent, failed };
}

async function* recordsOf(options: ProduceOptions): AsyncGenerator<OutgoingRecord> {
  const place = options.partition === undefined ? {} : { partition: options.partition };
  const whole = options.key === undefined ? place : { ...place, key: options.key };
  if (options.value !== undefined) {
    yield { ...whole, value: options.value };
    return;
  }
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    yield { ...whole, ...splitLine(line, options.keySeparator) };
  }
}

/** At the first separator; a line without one is a value without a key. */
export function splitLine(line: string, separator: string | undefined): { key?: string; value: string } {
  if (separator === undefined || separator === '') return { value: line };
  const at = line.indexOf(separator);
  return at < 0 ? { value: line } : { key: line.slice(0, at), value: line.slice(at + separator.length) };
}
