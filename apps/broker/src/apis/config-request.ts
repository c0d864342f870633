/**
 * What AlterConfigs and IncrementalAlterConfigs have in common: the checks that the broker makes itself, in Apache Kafka's
 * order, before the controller decides the rest; and the answers, put together in the order of the request.
 */
import { ERROR } from '@meridian/protocol';
import type { AlterConfigs, ConfigChange } from '../controller/commands.ts';
import { CONFIG_RESOURCE_TYPE, CONFIG_RESOURCES } from '../controller/configs/resource-types.ts';
import { duplicatesIn } from '../controller/decide/decision.ts';
import type { HandlerReach, ListenerName } from './handler.ts';

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

/** `replaces`: whatever a resource does not name is cleared. */
export async function alterConfigs(
  asked: readonly AskedResource[],
  { validateOnly, replaces, listener }: { validateOnly: boolean; replaces: boolean; listener: ListenerName },
  { submit, facts }: Reach,
) {
  const repeated = duplicatesIn(asked.map(keyOf));
  const refusals = asked.map((resource) => {
    if (repeated.has(keyOf(resource))) return invalid('Each resource must appear at most once.');
    return refuse(resource, facts.nodeId, replaces);
  });
  const passed = asked.filter((_, i) => refusals[i] === undefined);
  const resources = passed.map((resource) => commandOf(resource, replaces));
  const result =
    passed.length === 0
      ? { resources: [] }
      : await submit({ kind: 'alterConfigs', requester: listener, validateOnly, resources });
  const decided = new Map(passed.map((resource, i) => [resource, result.resources[i]!]));
  return asked.map((resource, i) => {
    const { errorCode, errorMessage } = refusals[i] ?? decided.get(resource)!;
    return { errorCode, errorMessage, resourceType: resource.resourceType, resourceName: resource.resourceName };
  });
}

const keyOf = ({ resourceType, resourceName }: AskedResource): string => `${resourceType} ${resourceName}`;

function invalid(errorMessage: string | null): Verdict {
  return { errorCode: ERROR.INVALID_REQUEST, errorMessage };
}

function refuse(resource: AskedResource, nodeId: number, replaces: boolean): Verdict | undefined {
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

function whyNotThisNode(name: string, nodeId: number): string | null {
  if (!/^[+-]?\d+$/.test(name)) return `Node id must be an integer, but it is: ${name}`;
  return Number(name) === nodeId ? null : `Unexpected broker id, expected ${nodeId}, but received ${name}`;
}

/** There are no loggers whose level could be set. */
function refuseLoggers({ resourceName, configs }: AskedResource, nodeId: number): Verdict {
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
