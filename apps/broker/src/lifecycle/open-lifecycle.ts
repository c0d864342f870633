/**
 * Puts a broker's life together: who it is, as its registration tells, and where that is asked. Called by the broker's start
 * once its listeners' ports and its log dirs are known.
 */
import type { Io, Logger } from '@meridian/io';
import type { MetadataRecord } from '@meridian/protocol';
import type { RegisterBroker } from '../controller/commands.ts';
import type { Controller } from '../controller/controller.ts';
import { SUPPORTED_FEATURES } from '../controller/features.ts';
import type { BrokerEndpoint } from '../controller/image.ts';
import type { ControllerChannel } from '../peers/controller-channel.ts';
import { BrokerLifecycle, type FoundReplica, type LocalRegistration, type Registration } from './broker-lifecycle.ts';
import { lifecycleSettings } from './lifecycle-settings.ts';

export interface LifecycleParts {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly channel: ControllerChannel;
  readonly controller: Pick<Controller, 'image' | 'configSources' | 'submit' | 'onChange'>;
  readonly nodeId: number;
  /** Of this start of the process (uuid text). */
  readonly incarnationId: string;
  readonly rack: string | null;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly logDirs: { readonly onlineIds: readonly string[]; readonly previousBrokerEpoch: number };
  readonly found: readonly FoundReplica[];
}

export function openLifecycle(parts: LifecycleParts): BrokerLifecycle {
  const { io, log, channel, controller, logDirs, found } = parts;
  const { image } = controller;
  const life = new BrokerLifecycle({
    ...{ io, log, channel, found, registration: registrationOf(parts) },
    previousBrokerEpoch: logDirs.previousBrokerEpoch,
    registerHere: (asked) => controller.submit(commandOf(asked)),
    metadataOffset: () => image.endOffset - 1,
    settings: lifecycleSettings(controller.configSources),
  });
  // A broker that stops waits until all others have applied that they lead for it.
  controller.onChange((delta) => {
    if (delta.some(isLeaving)) life.reportNow();
  });
  return life;
}

function isLeaving(record: MetadataRecord): boolean {
  return record.type === 'BrokerRegistrationChangeRecord' && record.inControlledShutdown === 1;
}

function registrationOf({ controller, nodeId, incarnationId, rack, endpoints, logDirs }: LifecycleParts): Registration {
  return {
    brokerId: nodeId,
    clusterId: controller.image.clusterId,
    incarnationId,
    listeners: endpoints,
    features: [...SUPPORTED_FEATURES].map(([name, { min, max }]) => ({
      name,
      minSupportedVersion: min,
      maxSupportedVersion: max,
    })),
    rack,
    logDirs: [...logDirs.onlineIds].sort(),
  };
}

function commandOf({ registration, previousBrokerEpoch, found }: LocalRegistration): RegisterBroker {
  const { listeners, logDirs = [], ...same } = registration;
  return { kind: 'registerBroker', ...same, endpoints: listeners, directories: logDirs, previousBrokerEpoch, found };
}
