/** The broker's one table of errors: the world failed, or was found in a state that we must not touch. */
export const BROKER_ERRORS = {
  'folder-newer': 'The data folder was written by a newer release: start that one, or choose another folder.',
  'folder-corrupt': 'The data folder is damaged: restore it, or choose another folder.',
  'folder-of-another-node': 'The data folder belongs to another node or cluster: check node id, cluster id and folder.',
  'config-invalid': 'The config file names a config or a value that cannot be: see docs/configuration.md.',
  'metadata-log-failed': 'The metadata log can no longer be written: check the disk, then restart the broker.',
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
