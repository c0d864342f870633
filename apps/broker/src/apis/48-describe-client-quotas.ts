/**
 * DescribeClientQuotas: clients of the Kafka listeners have no quotas, so no entity ever matches; a filter is checked
 * all the same, in Apache Kafka's words. (AlterClientQuotas is not served: a quota that nobody enforces would be a lie.)
 */
import { DescribeClientQuotas, ERROR, type RequestOf } from '@meridian/protocol';
import type { Handler } from './handler.ts';

type Component = RequestOf<typeof DescribeClientQuotas>['components'][number];

const ENTITY_TYPES: readonly string[] = ['user', 'client-id', 'ip'];
const EXACT = 0;
/** The ways to match that bear no name, by number. */
const NAMELESS: Readonly<Record<number, string>> = { 1: 'MATCH_TYPE_DEFAULT', 2: 'MATCH_TYPE_SPECIFIED' };

interface Complaint {
  readonly errorCode: number;
  readonly errorMessage: string;
}

export function createDescribeClientQuotasHandler(): Handler<typeof DescribeClientQuotas> {
  return {
    api: DescribeClientQuotas,
    handle({ components }) {
      const complaint = complaintOf(components);
      return complaint === undefined ? { errorCode: ERROR.NONE, entries: [] } : { ...complaint, entries: null };
    },
  };
}

function complaintOf(components: readonly Component[]): Complaint | undefined {
  const seen = new Set<string>();
  for (const component of components) {
    const complaint = complaintOfOne(component, seen);
    if (complaint !== undefined) return complaint;
    seen.add(component.entityType);
  }
  if (!seen.has('ip') || seen.size === 1) return undefined;
  return invalid(
    'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
  );
}

function complaintOfOne({ entityType, matchType, match }: Component, seen: ReadonlySet<string>): Complaint | undefined {
  if (entityType === '') return invalid('Invalid empty entity type.');
  if (seen.has(entityType)) return invalid(`Entity type ${entityType} cannot appear more than once in the filter.`);
  if (!ENTITY_TYPES.includes(entityType)) {
    return { errorCode: ERROR.UNSUPPORTED_VERSION, errorMessage: `Unsupported entity type ${entityType}` };
  }
  const nameless = NAMELESS[matchType];
  if (matchType === EXACT) {
    return match === null ? invalid('Request specified MATCH_TYPE_EXACT, but set match string to null.') : undefined;
  }
  if (nameless === undefined) return invalid(`Unknown match type ${matchType}`);
  return match === null ? undefined : invalid(`Request specified ${nameless}, but also specified a match string.`);
}

const invalid = (errorMessage: string): Complaint => ({ errorCode: ERROR.INVALID_REQUEST, errorMessage });
