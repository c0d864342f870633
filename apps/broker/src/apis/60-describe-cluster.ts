/**
 * DescribeCluster: the brokers with the addresses of the listener that was asked. Answers from the image alone.
 */
import { DescribeCluster, ERROR, type RequestOf, type ResponseInput } from '@meridian/protocol';
import type { MetadataImage } from '../controller/image.ts';
import { ENDPOINT_NAMES } from './broker-nodes.ts';
import type { Handler, HandlerReach, ListenerName } from './handler.ts';
import { ALL_CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from './topic-description.ts';

type Response = ResponseInput<typeof DescribeCluster>;

const ENDPOINT_TYPE = { brokers: 1, controllers: 2 } as const;

export function createDescribeClusterHandler({ image }: Pick<HandlerReach, 'image'>): Handler<typeof DescribeCluster> {
  return {
    api: DescribeCluster,
    handle(request, { source }) {
      const refusal = refuseEndpointType(request.endpointType);
      return refusal ?? describeBrokers(image, request, source.listener);
    },
  };
}

/** Controllers have no listener of their own here: only brokers are described. */
function refuseEndpointType(endpointType: number): Response | undefined {
  const refuse = (errorCode: number, errorMessage: string): Response => ({
    errorCode,
    errorMessage,
    clusterId: '',
    brokers: [],
  });
  if (endpointType === ENDPOINT_TYPE.brokers) return undefined;
  if (endpointType === ENDPOINT_TYPE.controllers) {
    const why = 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER';
    return refuse(ERROR.MISMATCHED_ENDPOINT_TYPE, why);
  }
  return refuse(ERROR.UNSUPPORTED_ENDPOINT_TYPE, `Unsupported endpoint type ${endpointType}`);
}

function describeBrokers(
  image: MetadataImage,
  request: RequestOf<typeof DescribeCluster>,
  listener: ListenerName,
): Response {
  const brokers = [...image.brokers.values()].flatMap(({ id, rack, fenced, endpoints }) => {
    const endpoint = endpoints.find(({ name }) => name === ENDPOINT_NAMES[listener]);
    if (endpoint === undefined || (fenced && !request.includeFencedBrokers)) return [];
    const place = { brokerId: id, host: endpoint.host, port: endpoint.port, rack };
    return [fenced ? { ...place, isFenced: true } : place];
  });
  return {
    errorCode: ERROR.NONE,
    errorMessage: null,
    clusterId: image.clusterId,
    controllerId: image.controllerId,
    brokers,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? ALL_CLUSTER_OPERATIONS
      : OPERATIONS_NOT_ASKED,
  };
}
