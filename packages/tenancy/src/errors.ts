/** The package's one table of errors: what a token, name, permission, cursor or key file was refused for. */
export const TENANCY_ERRORS = {
  'bad-name': 'The name is not allowed.',
  'bad-permission': 'A permission reads `topic:read,write`; the topic may end in `*`.',
  'bad-token': 'The token is not valid here: get a new one from whoever issues them.',
  'token-expired': 'The token has expired: get a new one.',
  'no-keys': 'This gateway has no keys to check tokens with: see its `jwksFile`.',
  'bad-cursor': 'The cursor is not one of this tenant and topic, or was changed.',
  'cursor-too-large': 'The topic has too many partitions for one cursor.',
  'bad-session': 'The session text is not one of this tenant and subject, or was changed.',
  'bad-key-ring': 'The key ring file needs `{"keys":[{"id":1,"secret":"<base64url>"}]}` with one or two keys.',
} as const;

export type TenancyErrorCode = keyof typeof TENANCY_ERRORS;

export class TenancyError extends Error {
  readonly code: TenancyErrorCode;
  constructor(code: TenancyErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}: ${TENANCY_ERRORS[code]}`, options);
    this.name = 'TenancyError';
    this.code = code;
  }
}
