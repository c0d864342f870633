/** What configs say of a broker's life, as it is followed. Read by `createBroker`. */
import { type BrokerConfigSources, brokerConfigNumber, brokerConfigValue } from '../controller/configs/effective.ts';

export interface LifecycleSettings {
  readonly heartbeatIntervalMs: number;
  readonly sessionTimeoutMs: number;
  readonly initialTimeoutMs: number;
  /** Whether a stop waits until leaders have moved. */
  readonly leavesInOrder: boolean;
}

export function lifecycleSettings(sources: BrokerConfigSources): LifecycleSettings {
  const atLeastOne = (name: string): number => Math.max(1, brokerConfigNumber(sources, name));
  return {
    heartbeatIntervalMs: atLeastOne('broker.heartbeat.interval.ms'),
    sessionTimeoutMs: atLeastOne('broker.session.timeout.ms'),
    initialTimeoutMs: atLeastOne('initial.broker.registration.timeout.ms'),
    leavesInOrder: brokerConfigValue(sources, 'controlled.shutdown.enable') !== 'false',
  };
}
