/**
 * Which names tenants, topics and groups may bear, and what they are called in Kafka. The gateway and the
 * command line ask here; nobody joins names by hand.
 * Invariant: a tenant has neither a dot nor an underscore, so no two tenants' physical names can be equal or
 * collide in the way Kafka's metric names do (`a.b` and `a_b`), and none begins with another one's prefix.
 */
import { TenancyError } from './errors.ts';
import { LIMITS } from './limits.ts';

const TENANT = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const TOPIC = /^[a-zA-Z0-9._-]+$/;

/** A tenant's name: a lower-case DNS label that no region bears. Throws `bad-name`. */
export function checkTenant(tenant: string, regions: readonly string[]): string {
  if (tenant.length > LIMITS.maxTenantChars || !TENANT.test(tenant)) {
    throw new TenancyError(
      'bad-name',
      `tenant ${quote(tenant)}: a-z, 0-9 and inner dashes, at most ${LIMITS.maxTenantChars}`,
    );
  }
  if (regions.includes(tenant)) throw new TenancyError('bad-name', `tenant ${quote(tenant)} bears a region's name`);
  return tenant;
}

/** A region's name: the same alphabet as a tenant's, shorter. Throws `bad-name`. */
export function checkRegion(region: string): string {
  if (region.length > LIMITS.maxRegionChars || !TENANT.test(region)) {
    throw new TenancyError(
      'bad-name',
      `region ${quote(region)}: a-z, 0-9 and inner dashes, at most ${LIMITS.maxRegionChars}`,
    );
  }
  return region;
}

/** A topic's name as its tenant sees it: Kafka's alphabet, not beginning with `__`. Throws `bad-name`. */
export function checkTopic(topic: string): string {
  return checkKafkaName('topic', topic, LIMITS.maxTopicChars);
}

/** A consumer group's or transaction's name as its tenant sees it. Throws `bad-name`. */
export function checkGroup(group: string): string {
  return checkKafkaName('group', group, LIMITS.maxGroupChars);
}

/** What a tenant's topic is called in the region where it was born. */
export function physicalTopic(tenant: string, topic: string): string {
  return `${tenant}.${topic}`;
}

/** What the mirror calls the copy of `region`'s topic in every other region. */
export function copyTopic(region: string, tenant: string, topic: string): string {
  return `${region}.${tenant}.${topic}`;
}

/** What a tenant's group or transactional id is called in Kafka. */
export function physicalGroup(tenant: string, group: string): string {
  return `${tenant}.${group}`;
}

function checkKafkaName(what: string, name: string, maxChars: number): string {
  if (name.length > maxChars || !TOPIC.test(name)) {
    throw new TenancyError('bad-name', `${what} ${quote(name)}: a-z, A-Z, 0-9, '.', '_', '-', at most ${maxChars}`);
  }
  if (name === '.' || name === '..' || name.startsWith('__')) {
    throw new TenancyError('bad-name', `${what} ${quote(name)} is reserved`);
  }
  return name;
}

/** Quoted and cut, so that a name cannot forge a log line. */
function quote(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
}
