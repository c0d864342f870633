/**
 * What AlterConfigs and IncrementalAlterConfigs have in common: the checks that the broker makes itself, in Apache Kafka's
 * order, before the controller decides the rest; and the answers, put together in the order of the request.
 */
import { ERROR } from '@meridian/protocol';
import type { AlterConfigs, ConfigChange } from '../controller/commands.ts';
import { CONFIG_RESOURCE_TYPE, CONFIG_RESOURCES } from '../controller/configs/resource-types.ts';
import { duplicatesIn } from '../controller/decide/decision.ts';
import type { HandlerReach, ListenerName, Split } from './handler.ts';

type Reach = Pick<HandlerReach, 'submit' | 'facts'>;

export interface AskedResource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly AskedConfig[];
}

export interface AskedConfig {
  readonly name: string;
  readonly value: string | null;
  /** Undefined in the API that knows no operations. */
  readonly configOperation?: number;
}

interface Verdict {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const OPERATION = { set: 0, delete: 1, append: 2, subtract: 3 } as const;
const MAX_OPERATION = OPERATION.subtract;

interface Ask {
  readonly validateOnly: boolean;
  /** Whatever a resource does not name is cleared. */
  readonly replaces: boolean;
  readonly listener: ListenerName;
  readonly isForwarded: boolean;
}

export async function alterConfigs(
  asked: readonly AskedResource[],
  { validateOnly, replaces, listener, isForwarded }: Ask,
  { submit, facts }: Reach,
) {
  // Which broker it was addressed to has been checked where its client asked.
  const refusals = refusalsOf(asked, replaces, isForwarded ? undefined : facts.nodeId);
  const passed = asked.filter((_, i) => refusals[i] === undefined);
  const resources = passed.map((resource) => commandOf(resource, replaces));
  const result =
    passed.length === 0
      ? { resources: [] }
      : await submit({ kind: 'alterConfigs', requester: listener, validateOnly, resources });
  return inOrder(asked, refusals, result.resources);
}

/** On a broker that does not decide: what it refuses itself, and what is left for the active controller. */
export function splitConfigs<R extends { readonly resources: readonly AskedResource[] }>(
  request: R,
  replaces: boolean,
  nodeId: number,
): Split {
  const { resources } = request;
  const refusals = refusalsOf(resources, replaces, nodeId);
  const rest = resources.filter((_, i) => refusals[i] === undefined);
  return {
    rest: rest.length === 0 && resources.length > 0 ? undefined : { ...request, resources: rest },
    join: (decided) => {
      const answer = decided as { responses: readonly Verdict[] } | undefined;
      return { ...answer, responses: inOrder(resources, refusals, answer?.responses ?? []) };
    },
  };
}

/** `nodeId`: of the broker that was asked; undefined if it has checked already that it was meant. */
function refusalsOf(
  asked: readonly AskedResource[],
  replaces: boolean,
  nodeId: number | undefined,
): (Verdict | undefined)[] {
  const repeated = duplicatesIn(asked.map(keyOf));
  return asked.map((resource) => {
    if (repeated.has(keyOf(resource))) return invalid('Each resource must appear at most once.');
    return refuse(resource, nodeId, replaces);
  });
}

/** `decided`: of those that were not refused. */
function inOrder(
  asked: readonly AskedResource[],
  refusals: readonly (Verdict | undefined)[],
  decided: readonly Verdict[],
) {
  let next = 0;
  return asked.map(({ resourceType, resourceName }, i) => {
    const { errorCode, errorMessage } = refusals[i] ?? decided[next++]!;
    return { errorCode, errorMessage, resourceType, resourceName };
  });
}

const keyOf = ({ resourceType, resourceName }: AskedResource): string => `${resourceType} ${resourceName}`;

function invalid(errorMessage: string | null): Verdict {
  return { errorCode: ERROR.INVALID_REQUEST, errorMessage };
}

function refuse(resource: AskedResource, nodeId: number | undefined, replaces: boolean): Verdict | undefined {
  const { resourceType, resourceName, configs } = resource;
  if (duplicatesIn(configs.map(({ name }) => name)).size > 0) return invalid('Error due to duplicate config keys');
  const empty = configs.filter(({ value, configOperation }) => value === null && configOperation !== OPERATION.delete);
  if (empty.length > 0) return invalid(`Null value not supported for : ${empty.map(({ name }) => name).join(', ')}`);
  if (resourceType === CONFIG_RESOURCE_TYPE.brokerLogger && !replaces) return refuseLoggers(resource, nodeId);
  if (!CONFIG_RESOURCES.has(resourceType)) return invalid(`Unknown resource type ${resourceType}`);
  const isBroker = resourceType === CONFIG_RESOURCE_TYPE.broker;
  const why = isBroker && resourceName !== '' ? whyNotThisNode(resourceName, nodeId) : null;
  if (why !== null) return invalid(why);
  const unknown = configs.find(({ configOperation = 0 }) => configOperation < 0 || configOperation > MAX_OPERATION);
  if (unknown === undefined) return undefined;
  if (isBroker) return invalid(`Unknown operations type ${unknown.configOperation}`);
  return { errorCode: ERROR.UNKNOWN_SERVER_ERROR, errorMessage: null };
}

function whyNotThisNode(name: string, nodeId: number | undefined): string | null {
  if (!/^[+-]?\d+$/.test(name)) return `Node id must be an integer, but it is: ${name}`;
  return nodeId === undefined || Number(name) === nodeId
    ? null
    : `Unexpected broker id, expected ${nodeId}, but received ${name}`;
}

/** There are no loggers whose level could be set. */
function refuseLoggers({ resourceName, configs }: AskedResource, nodeId: number | undefined): Verdict {
  const why = whyNotThisNode(resourceName, nodeId);
  if (why !== null) return invalid(why);
  const [first] = configs;
  if (first === undefined) return { errorCode: ERROR.NONE, errorMessage: null };
  return { errorCode: ERROR.INVALID_CONFIG, errorMessage: `Logger ${first.name} does not exist!` };
}

function commandOf(
  { resourceType, resourceName, configs }: AskedResource,
  replaces: boolean,
): AlterConfigs['resources'][number] {
  return {
    resource: CONFIG_RESOURCES.get(resourceType)!,
    name: resourceName,
    changes: configs.map(changeOf),
    replaces,
  };
}

function changeOf({ name, value, configOperation = OPERATION.set }: AskedConfig): ConfigChange {
  switch (configOperation) {
    case OPERATION.delete:
      return { name, value: null };
    case OPERATION.append:
      return { name, value, list: 'append' };
    case OPERATION.subtract:
      return { name, value, list: 'subtract' };
    default:
      return { name, value };
  }
}
