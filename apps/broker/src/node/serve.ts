/**
 * Puts a node's handlers behind its listeners. The internal one serves everything from the first moment on, though what
 * needs partitions waits; clients are let in when the broker has joined its cluster.
 */
import type { Io } from '@meridian/io';
import type { LogDirView } from '../apis/broker-facts.ts';
import { createControllerOnlyHandlers, createHandlers } from '../apis/handlers.ts';
import { WirePacker } from '../fetch/wire-packer.ts';
import type { HostedDir } from '../partition/log-dirs/log-dirs.ts';
import { createDispatch } from '../server/dispatch.ts';
import type { BrokerPlane } from './broker-plane.ts';
import type { MetadataPlane } from './metadata-plane.ts';
import type { NodeOptions } from './node-options.ts';
import type { StartGate } from './start-gate.ts';

export interface Doors {
  /** From here on clients are answered. */
  letClientsIn(): void;
}

export function serve(
  options: NodeOptions,
  metadata: MetadataPlane,
  broker: BrokerPlane | undefined,
  gate: StartGate,
): Doors {
  const { quorum, listeners } = metadata;
  const handlers =
    broker === undefined
      ? createControllerOnlyHandlers(controllerReach(options, metadata), { quorum })
      : createHandlers(
          { ...controllerReach(options, metadata), ...brokerReach(options, broker) },
          { quorum, whenOpen: (handler) => gate.guard(handler) },
        );
  metadata.handlers = handlers;
  listeners.internal.serve(createDispatch('internal', handlers));
  return { letClientsIn: () => listeners.client?.serve(createDispatch('client', handlers)) };
}

function controllerReach({ io, config, settings }: NodeOptions, { controller, channel }: MetadataPlane) {
  return {
    facts: { nodeId: config.nodeId, autoCreateTopics: settings.autoCreateTopics },
    image: controller.image,
    submit: controller.submit.bind(controller),
    isActive: () => controller.isActive,
    channel,
    nextProducerId: () => controller.nextProducerId(),
    configSources: controller.configSources,
    quorum: () => controller.quorum(),
    random: () => io.random.next(),
  };
}

function brokerReach({ io, limits }: NodeOptions, { clientInstances, partitions, groups, logDirs }: BrokerPlane) {
  return {
    clientInstances,
    partitions: partitions.table,
    groups,
    logDirs: () => logDirs.all.map((dir) => logDirView(io, dir)),
    now: () => io.clock.now(),
    monotonic: () => io.clock.monotonic(),
    timers: io.timers,
    limits,
    packer: new WirePacker({ zstd: io.zstd, memory: io.memory, timers: io.timers, limits }),
  };
}

function logDirView({ disk }: Io, { path, failure }: HostedDir): LogDirView {
  const known = (bytes: number): number => Math.min(bytes, Number.MAX_SAFE_INTEGER);
  const space = () => ({ totalBytes: known(disk.totalBytes(path)), freeBytes: known(disk.freeBytes(path)) });
  return { path, isOnline: failure === undefined, space };
}
