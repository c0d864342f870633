/** Opens a node's part in the metadata quorum as its config file says: who votes at first, and where everybody is found. */
import { uuidFromBase64 } from '@meridian/protocol';
import { ENDPOINT_NAMES } from '../apis/broker-nodes.ts';
import { advertisedAddress } from '../config.ts';
import { BROKER_CONFIGS } from '../controller/configs/broker-configs.ts';
import type { DataFolder } from '../controller/data-folder.ts';
import type { Peers } from '../peers/peers.ts';
import { type ConfiguredVoter, openQuorumNode } from '../quorum/open-quorum-node.ts';
import type { QuorumNode } from '../quorum/quorum-node.ts';
import type { NodeListeners } from './listeners.ts';
import type { NodeOptions } from './node-options.ts';

export function openQuorum(
  options: NodeOptions,
  { metadataFolder, clusterId, directoryId }: DataFolder,
  { internal }: NodeListeners,
  peers: Peers,
): QuorumNode {
  const { io, log, config, roles } = options;
  const address = advertisedAddress(config.internal, internal.port);
  const self = { id: config.nodeId, directoryId };
  return openQuorumNode({
    ...{ io, log, folder: metadataFolder, clusterId, self, isController: roles.isController },
    voters: configuredVoters(options) ?? [{ ...self, ...address }],
    listenerName: ENDPOINT_NAMES.internal,
    endpoint: () => address,
    peers,
    settings: {
      electionTimeoutMs: numberOf(options, 'controller.quorum.election.timeout.ms'),
      fetchTimeoutMs: numberOf(options, 'controller.quorum.fetch.timeout.ms'),
      retryBackoffMs: numberOf(options, 'controller.quorum.retry.backoff.ms'),
    },
  });
}

function configuredVoters({ config }: NodeOptions): ConfiguredVoter[] | undefined {
  return config.voters?.map(({ directoryId, ...voter }) => {
    return { ...voter, directoryId: directoryId === undefined ? undefined : uuidFromBase64(directoryId) };
  });
}

function numberOf({ settings }: NodeOptions, name: string): number {
  return Number(settings.staticConfigs.get(name) ?? BROKER_CONFIGS.get(name)!.default);
}
