/**
 * DescribeCluster: the brokers with the addresses of the listener that was asked; on the internal one, where controllers
 * speak, also those. Answers from the image alone.
 */
import { DescribeCluster, ERROR, type RequestOf, type ResponseInput } from '@meridian/protocol';
import type { BrokerEndpoint, MetadataImage } from '../controller/image.ts';
import { anyNodeId, brokerNodes, ENDPOINT_NAMES } from './broker-nodes.ts';
import type { Handler, HandlerReach, ListenerName } from './handler.ts';
import { ALL_CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from './topic-description.ts';

type Response = ResponseInput<typeof DescribeCluster>;
type Node = Response['brokers'][number];
type Reach = Pick<HandlerReach, 'image' | 'random'>;

const ENDPOINT_TYPE = { brokers: 1, controllers: 2 } as const;

export function createDescribeClusterHandler({ image, random }: Reach): Handler<typeof DescribeCluster> {
  return {
    api: DescribeCluster,
    handle(request, { version, source: { listener } }) {
      const { endpointType, includeFencedBrokers } = request;
      const refusal = refuseEndpointType(endpointType, listener, version);
      if (refusal !== undefined) return refusal;
      const isOfControllers = endpointType === ENDPOINT_TYPE.controllers;
      const nodes = isOfControllers ? controllers(image) : brokers(image, listener, includeFencedBrokers);
      const controllerId = isOfControllers ? image.controllerId : anyNodeId(brokerNodes(image, listener), random);
      return {
        ...describe(request, nodes),
        clusterId: image.clusterId,
        // One whose address is not known yet would only confuse.
        controllerId: nodes.some(({ brokerId }) => brokerId === controllerId) ? controllerId : -1,
      };
    },
  };
}

/** Controllers have no listener for clients: there, only brokers are described. */
function refuseEndpointType(endpointType: number, listener: ListenerName, version: number): Response | undefined {
  const refuse = (errorCode: number, errorMessage: string): Response => ({
    errorCode: version === 0 ? ERROR.INVALID_REQUEST : errorCode,
    errorMessage,
    clusterId: '',
    brokers: [],
  });
  if (endpointType === ENDPOINT_TYPE.brokers) return undefined;
  if (endpointType !== ENDPOINT_TYPE.controllers) {
    return refuse(ERROR.UNSUPPORTED_ENDPOINT_TYPE, `Unsupported endpoint type ${endpointType}`);
  }
  if (listener === 'internal') return undefined;
  const why = 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER';
  return refuse(ERROR.MISMATCHED_ENDPOINT_TYPE, why);
}

function describe(request: RequestOf<typeof DescribeCluster>, nodes: Node[]): Omit<Response, 'clusterId'> {
  const { endpointType, includeClusterAuthorizedOperations } = request;
  return {
    errorCode: ERROR.NONE,
    errorMessage: null,
    ...(endpointType !== ENDPOINT_TYPE.brokers && { endpointType }),
    brokers: nodes,
    clusterAuthorizedOperations: includeClusterAuthorizedOperations ? ALL_CLUSTER_OPERATIONS : OPERATIONS_NOT_ASKED,
  };
}

function brokers(image: MetadataImage, listener: ListenerName, withFenced: boolean): Node[] {
  return [...image.brokers.values()].flatMap(({ id, rack, fenced, endpoints }) => {
    if (fenced && !withFenced) return [];
    return nodeAt(id, rack, endpoints, listener).map((node) => (fenced ? { ...node, isFenced: true } : node));
  });
}

function controllers(image: MetadataImage): Node[] {
  return [...image.controllers.values()].flatMap(({ id, endpoints }) => nodeAt(id, null, endpoints, 'internal'));
}

function nodeAt(
  brokerId: number,
  rack: string | null,
  endpoints: readonly BrokerEndpoint[],
  listener: ListenerName,
): Node[] {
  const endpoint = endpoints.find(({ name }) => name === ENDPOINT_NAMES[listener]);
  return endpoint === undefined ? [] : [{ brokerId, host: endpoint.host, port: endpoint.port, rack }];
}
