/**
 * ListConfigResources: names of everything that configs can be described for. Version 0 knows client metrics only; an
 * empty list of types means all of them.
 */
import { ERROR, ListConfigResources } from '@meridian/protocol';
import { CONFIG_RESOURCE_TYPE } from '../controller/configs/resource-types.ts';
import type { MetadataImage } from '../controller/image.ts';
import type { Handler, HandlerReach } from './handler.ts';

const TYPED_SINCE = 1;
const { topic, broker, brokerLogger, clientMetrics, group } = CONFIG_RESOURCE_TYPE;
const ALL_TYPES: readonly number[] = [group, clientMetrics, brokerLogger, broker, topic];

export function createListConfigResourcesHandler({
  image,
}: Pick<HandlerReach, 'image'>): Handler<typeof ListConfigResources> {
  return {
    api: ListConfigResources,
    handle({ resourceTypes }, { version }) {
      const asked = new Set(version >= TYPED_SINCE ? resourceTypes : [clientMetrics]);
      const types = asked.size === 0 ? ALL_TYPES : [...asked];
      if (types.some((type) => !ALL_TYPES.includes(type))) {
        return { errorCode: ERROR.UNSUPPORTED_VERSION, configResources: [] };
      }
      const configResources = types.flatMap((resourceType) =>
        Array.from(namesOf(image, resourceType), (resourceName) => ({
          resourceName,
          // Version 0 has no field for the type.
          ...(version >= TYPED_SINCE && { resourceType }),
        })),
      );
      return { errorCode: ERROR.NONE, configResources };
    },
  };
}

function namesOf(image: MetadataImage, resourceType: number): Iterable<string> {
  if (resourceType === topic) return image.topicsByName.keys();
  if (resourceType === clientMetrics) return image.configuredNames('client-metrics');
  if (resourceType === group) return image.configuredNames('group');
  return Array.from(image.brokers.keys(), String);
}
