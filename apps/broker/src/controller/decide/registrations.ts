/**
 * Registrations compared: whether who asks is the broker that is registered (its epoch says so), and whether a node tells
 * something new. Used by the decisions that nodes ask for.
 */
import { ERROR } from '@meridian/protocol';
import type { BrokerEndpoint, BrokerInfo, MetadataImage, SupportedFeature } from '../image.ts';
import { Refusal } from './decision.ts';

/** The broker as it is registered, or why it is not the one who asks. */
export function askingBroker(image: MetadataImage, brokerId: number, brokerEpoch: number): BrokerInfo | Refusal {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) {
    return new Refusal(ERROR.BROKER_ID_NOT_REGISTERED, `Broker ID ${brokerId} is not currently registered`);
  }
  if (broker.epoch === brokerEpoch) return broker;
  const why = `Expected broker epoch ${broker.epoch}, but got broker epoch ${brokerEpoch}`;
  return new Refusal(ERROR.STALE_BROKER_EPOCH, why);
}

/** Equal texts for equal endpoints in the same order. */
export function endpointsText(endpoints: readonly BrokerEndpoint[]): string {
  return endpoints.map((each) => `${each.name} ${each.host} ${each.port} ${each.securityProtocol}`).join('\n');
}

export function featuresText(features: readonly SupportedFeature[]): string {
  return features.map((each) => `${each.name} ${each.minSupportedVersion} ${each.maxSupportedVersion}`).join('\n');
}
