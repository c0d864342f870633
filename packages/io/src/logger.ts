/**
 * The log as packages see it: four levels, a message for people, fields for programs. The processes hand in
 * pino (`@meridian/service`), tests and the simulator what they like.
 */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

const nothing = (): void => undefined;

/** Swallows everything; for tests that look at behaviour alone. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
