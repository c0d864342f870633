/**
 * What the code of this repository logs to: four levels, a message for people and fields for programs.
 * Process shells hand in the real one (packages/service), tests `silentLogger`. It has no `child`, no format
 * and no transport on purpose: whoever writes the lines decides.
 */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

const ignore = (): void => {};

export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
