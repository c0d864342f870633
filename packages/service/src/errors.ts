/** The package's one table of errors. `code` is for programs, the message for people. */
export const SERVICE_ERRORS = {
  usage: 'Start it with --config FILE.',
  'config-unreadable': 'The config file cannot be read: check the path and its permissions.',
  'config-not-json': 'The config file is not JSON.',
  'config-invalid': 'The config does not fit its schema: correct the fields named above.',
  'regions-unreadable': 'The regions folder cannot be read: it holds one file per region and links.yaml.',
  'port-offset-invalid': 'Every port must stay between 1 and 65535: choose another offset.',
  'brokers-invalid': 'Choose another number of brokers, or move the regions’ ports apart.',
  'kafka-invalid': 'A Kafka cluster cannot be reached like this: correct the setting named above.',
  'regions-invalid': 'The regions are not described correctly: correct the lines named above.',
} as const;

export type ServiceErrorCode = keyof typeof SERVICE_ERRORS;

export class ServiceError extends Error {
  readonly code: ServiceErrorCode;
  constructor(code: ServiceErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}\n${SERVICE_ERRORS[code]}`, options);
    this.name = 'ServiceError';
    this.code = code;
  }
}
