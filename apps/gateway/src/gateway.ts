/**
 * The gateway: WebSocket and HTTP in front of one region's brokers, for clients of many tenants. `createGateway` is
 * what `main.ts` and the simulator start; the simulator hands in its own sockets by `accept` and leaves `listen` off.
 * Invariant: nothing outside of `http/` knows fastify or ws, and they are loaded only when the gateway listens.
 */
import type { Io, Logger } from '@meridian/io';
import { kafkaEndpoint, ServiceError } from '@meridian/service';
import { createTokenVerifier, parseKeyRing, type TokenVerifier } from '@meridian/tenancy';
import type { BrokerPort } from './broker/broker-port.ts';
import { createClientBroker } from './broker/client-broker.ts';
import type { GatewayConfig } from './config.ts';
import { GatewayCore } from './gateway-core.ts';
import type { GatewaySocket } from './session/gateway-socket.ts';

export { CONFIG_SCHEMA, type GatewayConfig } from './config.ts';
export type { WireFrame } from './delivery/wire-frame.ts';
export type { GatewaySocket } from './session/gateway-socket.ts';

export interface GatewayOptions {
  readonly io: Io;
  readonly config: GatewayConfig;
  readonly log: Logger;
  /** False: no port is opened; connections come through `accept`. Default true. */
  readonly listen?: boolean;
  /** Stands in for jose, whose work is not deterministic, in simulations. */
  readonly verifier?: TokenVerifier;
  /** Stands in for the Kafka client in tests. */
  readonly broker?: BrokerPort;
}

export interface Gateway {
  /** 0 without `listen`. */
  readonly port: number;
  readonly connections: number;
  /** Takes over a connection whose handshake is done; `token` if it brought one. */
  accept(socket: GatewaySocket, token?: string): void;
  /** Drains: last cursors, `drain` frames, close 1012; bounded in time. */
  stop(): Promise<void>;
}

export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { io, config, log } = options;
  const { region, regions, jwksFile, issuer, audience } = config;
  const keys = parseKeyRing(io.disk.readFile(config.cursorKeysFile).toString('utf8'));
  const verifier = options.verifier ?? createTokenVerifier(io, { jwksFile, issuer, audience, regions });
  const broker = options.broker ?? createClientBroker(io, { region, ...accessOf(io, config) }, log);
  const core = new GatewayCore({ io, log, region, regions, broker, verifier, keys });
  const server = options.listen === false ? undefined : await listen(core, options);
  return {
    port: server?.port ?? 0,
    get connections() {
      return core.connections;
    },
    accept: (socket, token) => core.accept(socket, token),
    async stop() {
      server?.stopAccepting();
      await core.stop();
      await server?.close();
    },
  };
}

/** How the brokers are reached, by the region's engine. */
function accessOf(io: Io, { bootstrap, secret, kafka }: GatewayConfig) {
  if (kafka !== undefined) return { engine: 'kafka', ...kafkaEndpoint(io, kafka) } as const;
  if (bootstrap === undefined || secret === undefined) {
    throw new ServiceError('config-invalid', 'gateway: bootstrap and secret, or kafka, say where the brokers are');
  }
  return { engine: 'embedded', bootstrap, secret } as const;
}

async function listen(core: GatewayCore, { config, log }: GatewayOptions) {
  const { createHttpServer } = await import('./http/http-server.ts');
  try {
    return await createHttpServer(core, config, log);
  } catch (error) {
    await core.stop();
    throw error;
  }
}
