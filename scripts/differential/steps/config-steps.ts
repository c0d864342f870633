/**
 * Steps about configs: of topics, groups and client metrics changed in each way there is, of brokers only looked at (a
 * broker's are shared by all scripts). Values are wrong now and then.
 */
import { AlterConfigs, DescribeConfigs, IncrementalAlterConfigs, ListConfigResources } from '@meridian/protocol';
import { type ScriptContext, type StepMaker, step, versionOf } from '../step.ts';
import {
  BROKER_CONFIG_NAMES,
  CLIENT_METRICS_VALUES,
  GROUP_VALUES,
  TOPIC_VALUES,
  type Values,
} from './config-values.ts';
import { someTopic } from './read-steps.ts';

export const RESOURCE = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const;
const SYNONYMS_SINCE = 1;
const DOCUMENTATION_SINCE = 3;

export function someConfig(context: ScriptContext, values: Values = TOPIC_VALUES): { name: string; value: string } {
  const { random } = context;
  const [name, texts] = random.pick(values);
  return { name, value: random.oneIn(2) ? (texts[0] as string) : random.pick(texts) };
}

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** What configs are changed of, with the values that it takes. */
function someResource(context: ScriptContext): Resource & { readonly values: Values } {
  const { random, groups } = context;
  const resourceName = someTopic(context);
  if (random.oneIn(24)) return { resourceType: random.pick([9, 0, -1]), resourceName, values: TOPIC_VALUES };
  if (random.oneIn(5)) {
    const name = random.oneIn(12) ? '' : random.pick(groups);
    return { resourceType: RESOURCE.group, resourceName: name, values: GROUP_VALUES };
  }
  if (random.oneIn(8)) {
    const name = random.oneIn(12) ? '' : random.pick(groups);
    return { resourceType: RESOURCE.clientMetrics, resourceName: name, values: CLIENT_METRICS_VALUES };
  }
  return { resourceType: RESOURCE.topic, resourceName, values: TOPIC_VALUES };
}

export const incrementalAlterConfigs: StepMaker = (context) => {
  const { random } = context;
  const { resourceType, resourceName, values } = someResource(context);
  const noOperation = random.oneIn(20);
  // Beside an operation that does not exist, Apache Kafka looks at the others in the order of a hash table.
  const configs = Array.from({ length: noOperation ? 1 : random.between(1, 3) }, () => {
    const { name, value } = someConfig(context, values);
    const configOperation = noOperation ? 4 : random.pick([0, 0, 0, 0, 1, 2, 3]);
    return { name, configOperation, value: random.oneIn(configOperation === 1 ? 2 : 20) ? null : value };
  });
  const resources = [{ resourceType, resourceName, configs }];
  if (!noOperation && random.oneIn(8)) {
    const other = { resourceType: RESOURCE.topic, resourceName: someTopic(context) };
    const { name, value } = someConfig(context);
    resources.push({ ...other, configs: [{ name, configOperation: 0, value }] });
  }
  const validateOnly = random.oneIn(6);
  const version = versionOf(random, IncrementalAlterConfigs);
  return step(IncrementalAlterConfigs, version, () => ({ resources, validateOnly }), { changesMetadata: true });
};

/** Of a broker nothing is changed, but it may be tried. */
export const tryBrokerConfigs: StepMaker = (context) => {
  const { random } = context;
  const [name, values] = random.pick(BROKER_VALUES);
  const configs = [{ name, configOperation: random.pick([0, 0, 1, 2]), value: random.pick(values) }];
  const resourceName = random.pick(['1', '1', '', '2', 'x']);
  const resources = [{ resourceType: RESOURCE.broker, resourceName, configs }];
  const version = versionOf(random, IncrementalAlterConfigs);
  return step(IncrementalAlterConfigs, version, () => ({ resources, validateOnly: true }));
};

const BROKER_VALUES: Values = [
  ['log.retention.ms', ['1000000', '-2', 'x']],
  ['log.cleanup.policy', ['compact', 'burn']],
  ['message.max.bytes', ['1000', '-1']],
  ['log.cleaner.threads', ['1', '0']],
  ['num.partitions', ['3']],
  ['no.such.config', ['1']],
  ['background.threads', ['10', '0']],
];

export const alterConfigs: StepMaker = (context) => {
  const { random } = context;
  const { resourceType, resourceName, values } = someResource(context);
  const configs = Array.from({ length: random.below(4) }, () => {
    const { name, value } = someConfig(context, values);
    return { name, value: random.oneIn(20) ? null : value };
  });
  const resources = [{ resourceType, resourceName, configs }];
  const validateOnly = random.oneIn(6);
  return step(AlterConfigs, versionOf(random, AlterConfigs), () => ({ resources, validateOnly }), {
    changesMetadata: true,
  });
};

export const describeConfigs: StepMaker = (context) => {
  const { random, groups } = context;
  const version = versionOf(random, DescribeConfigs);
  const { resourceType, resourceName } = random.pick([
    { resourceType: RESOURCE.topic, resourceName: someTopic(context) },
    { resourceType: RESOURCE.topic, resourceName: someTopic(context) },
    { resourceType: RESOURCE.group, resourceName: random.pick([...groups, '']) },
    { resourceType: RESOURCE.clientMetrics, resourceName: random.pick([...groups, '']) },
    { resourceType: random.oneIn(6) ? 9 : RESOURCE.topic, resourceName: someTopic(context) },
  ]);
  const keys = random.pick([null, null, ['retention.ms', 'cleanup.policy', 'no.such.config'], ['interval.ms'], []]);
  const includeSynonyms = version >= SYNONYMS_SINCE && random.oneIn(2);
  const includeDocumentation = version >= DOCUMENTATION_SINCE && random.oneIn(2);
  const resources = [{ resourceType, resourceName, configurationKeys: keys }];
  return step(
    DescribeConfigs,
    version,
    () => ({ resources, includeSynonyms, ...(includeDocumentation ? { includeDocumentation } : {}) }),
    { isRead: true },
  );
};

export const describeBroker: StepMaker = ({ random }) => {
  const version = versionOf(random, DescribeConfigs);
  const configurationKeys = Array.from({ length: random.pick([2, 5, 40]) }, () => random.pick(BROKER_CONFIG_NAMES));
  const resourceName = random.pick(['1', '1', '1', '2', 'x', '']);
  const includeSynonyms = version >= SYNONYMS_SINCE && random.oneIn(2);
  const resources = [{ resourceType: RESOURCE.broker, resourceName, configurationKeys }];
  return step(DescribeConfigs, version, () => ({ resources, includeSynonyms }), { isRead: true });
};

export const listConfigResources: StepMaker = ({ random, topics, groups }) => {
  const version = versionOf(random, ListConfigResources);
  const resourceTypes = random.pick([[], [2], [16], [32], [4], [8], [2, 32], [9], [2, 2]]);
  const own = new Set([...topics, ...groups, '1']);
  return step(ListConfigResources, version, () => (version >= 1 ? { resourceTypes } : {}), {
    isRead: true,
    narrow: (answer) => ({
      errorCode: answer.errorCode,
      configResources: answer.configResources
        .filter(({ resourceName }) => own.has(resourceName))
        .map(({ resourceName, resourceType }) => `${resourceType} ${resourceName}`)
        .sort(),
    }),
  });
};
