/**
 * What every part of a node is given at its start: the world, the config file, and what follows from it. Made once by
 * `createBroker`.
 */
import type { Io, Logger } from '@meridian/io';
import type { BrokerConfig } from '../config.ts';
import type { BrokerLimits } from '../limits.ts';
import type { NodeRoles } from '../node-roles.ts';
import type { Settings } from '../static-configs.ts';

export interface NodeOptions {
  readonly io: Io;
  readonly log: Logger;
  readonly config: BrokerConfig;
  readonly settings: Settings;
  readonly limits: BrokerLimits;
  readonly roles: NodeRoles;
  /** Of this start of the process (uuid text). */
  readonly incarnationId: string;
  /** The node can go on no more. */
  readonly fatal: (error: Error) => void;
}
