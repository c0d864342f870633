/** The package's one table of errors: the world failed. `code` is for programs, the message for people. */
export const IO_ERRORS = {
  'not-found': 'No such file or folder.',
  exists: 'It exists already.',
  'is-folder': 'A folder lies there, and a file is wanted: remove the folder, or name another path.',
  'no-space': 'The disk is full: free some space; nothing was lost that had been acknowledged.',
  io: 'The device failed to read or write: check the disk.',
  locked: 'Another process uses this folder: stop it, or choose another folder with --data.',
  permission:
    'Permission denied, or the file system is read-only: check the owner and mode of the path, and its mount.',
  'too-many-files': 'Too many files or sockets are open: raise the limit (`ulimit -n`).',
  'address-in-use': 'The port is in use: stop the other process, or move all ports with --port-offset.',
  refused: 'Nothing listens there.',
  timeout: 'No answer in time.',
  unreachable: 'The host cannot be reached.',
  tls: 'No trusted TLS connection: check the certificates of both sides, and that the port speaks TLS.',
  corrupt: 'What came is damaged: it is no compressed block, or was cut off.',
  'too-large': 'There is more in it than was announced or is allowed.',
  closed: 'The connection or file is closed.',
} as const;

export type IoErrorCode = keyof typeof IO_ERRORS;

export class IoError extends Error {
  readonly code: IoErrorCode;
  constructor(code: IoErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}: ${IO_ERRORS[code]}`, options);
    this.name = 'IoError';
    this.code = code;
  }
}
