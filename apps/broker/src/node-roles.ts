/**
 * What a node is in its cluster, as its config file says: broker, controller or both, and who votes when the cluster
 * begins. Called by `createBroker`, before anything of the node is opened.
 * Invariant: fields that contradict each other are refused, each by its name; nothing is guessed.
 */
import type { BrokerConfig } from './config.ts';
import { BrokerError } from './errors.ts';

export interface NodeRoles {
  readonly isBroker: boolean;
  readonly isController: boolean;
}

export type VoterConfig = NonNullable<BrokerConfig['voters']>[number];

export function rolesOf({ roles }: Pick<BrokerConfig, 'roles'>): NodeRoles {
  const has = (role: 'broker' | 'controller'): boolean => roles === undefined || roles.includes(role);
  return { isBroker: has('broker'), isController: has('controller') };
}

/** Throws `BrokerError` `config-invalid` with a line for each mistake. */
export function checkRoles(config: BrokerConfig): void {
  const complaints = [...ofRoles(config), ...(config.voters ? ofVoters(config, config.voters) : [])];
  if (complaints.length > 0) throw new BrokerError('config-invalid', complaints.join('\n'));
}

function ofRoles(config: BrokerConfig): string[] {
  const { isBroker, isController } = rolesOf(config);
  const complaints: string[] = [];
  for (const role of doubles(config.roles ?? [])) complaints.push(`roles: ${role} stands there twice`);
  if (isBroker && config.client === undefined) complaints.push('client: is missing, and a broker needs it');
  if (!isBroker && config.client !== undefined) {
    complaints.push('client: a node that is a controller alone has no listener for clients');
  }
  if (!isController && config.voters === undefined) {
    complaints.push('voters: is missing, and a broker that is no controller needs to know them');
  }
  return complaints;
}

/** A controller that is not among the voters is an observer, which may be made a voter later. */
function ofVoters(config: BrokerConfig, voters: readonly VoterConfig[]): string[] {
  const { nodeId, clusterId, directoryId } = config;
  const complaints = (['id', 'address', 'directoryId'] as const).flatMap((what) =>
    doubles(voters.map((voter) => (what === 'address' ? `${voter.host}:${voter.port}` : voter[what]))).map(
      (value) => `voters: two have the ${what} ${value}`,
    ),
  );
  const named = voters.filter((voter) => voter.directoryId !== undefined).length;
  if (named > 0 && named < voters.length) complaints.push('voters: all of them need a directoryId, or none');
  const self = voters.find(({ id }) => id === nodeId);
  if (self !== undefined && !rolesOf(config).isController) {
    complaints.push(`voters: node ${nodeId}, this one, is no controller by its roles`);
  }
  if (self?.directoryId !== undefined && directoryId !== undefined && self.directoryId !== directoryId) {
    complaints.push(`directoryId: is ${directoryId}, and ${self.directoryId} among the voters`);
  }
  if (clusterId === undefined && voters.some(({ id }) => id !== nodeId)) {
    complaints.push('clusterId: is missing, and nodes of one cluster have to agree on it');
  }
  return complaints;
}

/** Values that stand there more than once, each of them once. */
function doubles<T>(values: readonly (T | undefined)[]): T[] {
  const again = values.filter((value, at): value is T => value !== undefined && values.indexOf(value) < at);
  return [...new Set(again)];
}
