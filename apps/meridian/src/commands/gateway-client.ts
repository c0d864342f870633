/**
 * How `produce` and `tail` reach a gateway: the SDK over `ws`, with all of Kafka's codecs.
 * (`ws` and not Node's own WebSocket: that one is a third slower and takes ten megabytes more.)
 */
import type { Io } from '@meridian/io';
import { decompress } from '@meridian/protocol';
import { connect, createDefaultRuntime, type Meridian, type WebSocketClass } from '@meridian/sdk';
import { WebSocket } from 'ws';
import { CliError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { gatewayUrls, type PlatformOptions } from '../platform.ts';
import type { Terminal } from '../terminal.ts';

export interface GatewayOptions extends PlatformOptions {
  gateway?: string[];
  region?: string[];
  token?: string;
  json?: boolean;
}

/** Readers and writers have raw batches (`bin`). `say` hears of reconnects. */
export async function connectGateway(io: Io, terminal: Terminal, options: GatewayOptions): Promise<Meridian> {
  const token = options.token ?? process.env.MERIDIAN_TOKEN;
  if (token === undefined || token === '') throw new CliError('no-token', 'There is no token.');
  let welcomed = false;
  return connect({
    urls: gatewayUrls(io, options),
    token,
    protocol: 'bin',
    client: 'meridian-cli',
    connectTimeoutMs: LIMITS.connectTimeoutMs,
    runtime: createDefaultRuntime({ WebSocket: WebSocket as unknown as WebSocketClass, decompress }),
    onState: (state, detail) => {
      if (welcomed && state !== 'closed') terminal.say(`${state} ${detail}`);
      if (state === 'connected') welcomed = true;
    },
  });
}
