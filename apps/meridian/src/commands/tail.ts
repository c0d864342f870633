/**
 * `meridian tail`: the records of a global topic, from every region, as a gateway delivers them. One line per record
 * on stdout; gaps, undecodable batches and reconnects on stderr.
 * Invariant: `--limit N` ends after N records, `| head -N` soon after; and what is missing is told.
 */
import type { Io } from '@meridian/io';
import type { Message, SubscribeFrom } from '@meridian/sdk';
import type { Terminal } from '../terminal.ts';
import { connectGateway, type GatewayOptions } from './gateway-client.ts';

export interface TailOptions extends GatewayOptions {
  /** `earliest`, `latest` or a cursor's text. */
  from: string;
  limit?: number;
}

export async function tail(io: Io, terminal: Terminal, topic: string, options: TailOptions): Promise<void> {
  if (options.limit === 0) return;
  terminal.endWithReader();
  const meridian = await connectGateway(io, terminal, options);
  try {
    const subscription = meridian.subscribe(topic, { from: startOf(options.from) });
    subscription.onGap = ({ region, partition, from, to, reason }) =>
      terminal.say(`gap: ${region} ${topic}-${partition}: offsets ${from} to ${to} are gone (${reason})`);
    subscription.onUndecodable = ({ region, partition, from, to, reason }) =>
      terminal.say(`undecodable: ${region} ${topic}-${partition}: offsets ${from} to ${to}: ${reason}`);
    let count = 0;
    for await (const message of subscription) {
      terminal.data(options.json ? jsonLine(message) : textLine(message));
      count += 1;
      if (count === options.limit) break;
      await terminal.drained();
    }
  } finally {
    await meridian.close();
  }
}

function startOf(from: string): SubscribeFrom {
  return from === 'earliest' || from === 'latest' ? from : { cursor: from };
}

/** Keys and values are text; what is not UTF-8 stands there as `{"base64":…}`. */
function jsonLine(message: Message): string {
  const { region, topic, partition, offset, timestamp, key, value } = message;
  return JSON.stringify({ region, topic, partition, offset, timestamp, key: shown(key), value: shown(value) });
}

function textLine(message: Message): string {
  const { region, topic, partition, offset } = message;
  return `${region} ${topic}-${partition}@${offset}\t${message.keyText() ?? ''}\t${message.text() ?? ''}`;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function shown(bytes: Uint8Array | null): string | { base64: string } | null {
  if (bytes === null) return null;
  try {
    return utf8.decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}
