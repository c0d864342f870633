/**
 * What a token lets its bearer do: `topic:read`, `orders.*:read,write`. Parsed once per token, asked on every
 * subscribe, resume and publish. There is no deny; what is not allowed is forbidden.
 * Invariant: patterns hold within the token's tenant only; the tenant is added to names after this check.
 */
import { TenancyError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { checkTopic } from './names.ts';

export type Action = 'read' | 'write';

export interface Permission {
  /** The topic's name, or what it begins with. */
  topic: string;
  prefix: boolean;
  read: boolean;
  write: boolean;
}

/** Parses `allow`; an entry that is not understood refuses the whole list (`bad-permission`). */
export function parsePermissions(allow: readonly string[]): Permission[] {
  if (allow.length > LIMITS.maxPermissions) {
    throw new TenancyError('bad-permission', `more than ${LIMITS.maxPermissions} entries`);
  }
  return allow.map(parsePermission);
}

export function isAllowed(permissions: readonly Permission[], action: Action, topic: string): boolean {
  for (const permission of permissions) {
    const matches = permission.prefix ? topic.startsWith(permission.topic) : topic === permission.topic;
    if (matches && permission[action]) return true;
  }
  return false;
}

function parsePermission(text: string): Permission {
  const colon = text.lastIndexOf(':');
  if (colon < 1) throw new TenancyError('bad-permission', JSON.stringify(text.slice(0, 64)));
  const pattern = text.slice(0, colon);
  const prefix = pattern.endsWith('*');
  const topic = prefix ? pattern.slice(0, -1) : pattern;
  // A pattern is a valid name, or one cut short (`orders.`, nothing at all).
  if (topic !== '' || !prefix) checkTopic(prefix ? `${topic}x` : topic);
  const actions = text.slice(colon + 1).split(',');
  const known = actions.every((action) => action === 'read' || action === 'write');
  if (!known) throw new TenancyError('bad-permission', JSON.stringify(text.slice(0, 64)));
  return { topic, prefix, read: actions.includes('read'), write: actions.includes('write') };
}
