/** The broker's one table of errors: the world failed, or was found in a state that we must not touch. */
export const BROKER_ERRORS = {
  'folder-newer': 'The data folder was written by a newer release: start that one, or choose another folder.',
  'folder-corrupt': 'The data folder is damaged: restore it, or choose another folder.',
  'folder-of-another-node': 'The data folder belongs to another node or cluster: check node id, cluster id and folder.',
  'log-dir-offline': 'The log dir that holds it is offline: check the disk, then restart the broker.',
  'log-dir-twice': 'Two log dirs have the same directory.id, so one is a copy: remove one of them from the config.',
  'partition-twice':
    'A partition lies in two log dirs, and nobody can tell which one counts: move one of the folders away.',
  'all-log-dirs-failed': 'No log dir is left: check the disks, then restart the broker.',
  'config-invalid': 'The config file names a config or a value that cannot be: see docs/configuration.md.',
  'metadata-snapshot-damaged':
    'It was not taken, and nothing is deleted because of it: check the leader’s disk, and let another controller lead; this node stays out until a whole one comes.',
  'quorum-state-damaged':
    'Without it this node could vote twice in an epoch: restore the file, or let the others remove the node as a voter, empty its metadata folder and add it again.',
  'metadata-log-failed': 'The metadata log can no longer be written: check the disk, then restart the broker.',
  'not-controller': 'Another node decides by now: the command may or may not have been done; ask that one.',
  'no-controller':
    'No active controller could be asked in time: check that a majority of the voters runs and can be reached.',
  'registration-refused':
    'The cluster does not take this broker: check its id, cluster id and data folders, and that it is no older than the cluster’s levels of features.',
  'controller-closed': 'The controller is shut down.',
  'no-producer-ids': 'No more producer ids can be handed out: check the region id.',
  'controller-overloaded': 'Too many commands wait for the metadata log: try again later.',
} as const;

export type BrokerErrorCode = keyof typeof BROKER_ERRORS;

export class BrokerError extends Error {
  readonly code: BrokerErrorCode;
  constructor(code: BrokerErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}: ${BROKER_ERRORS[code]}`, options);
    this.name = 'BrokerError';
    this.code = code;
  }
}
