/**
 * Decides any command: one function per kind, each in its own file, all pure. Called by the controller's commit loop
 * with the image that runs ahead.
 */
import type { Command } from '../commands.ts';
import type { MetadataImage } from '../image.ts';
import { decideAllocateProducerIds } from './allocate-producer-ids.ts';
import { decideAlterConfigs } from './alter-configs.ts';
import { decideCreatePartitions } from './create-partitions.ts';
import { decideCreateTopics } from './create-topics.ts';
import type { DecideContext, Decision } from './decision.ts';
import { decideDeleteTopics } from './delete-topics.ts';
import { decideElectLeaders } from './elect-leaders.ts';
import { decideFailDirectories } from './fail-directories.ts';
import { decideRegisterBroker } from './register-broker.ts';
import { decideUpdateFeatures } from './update-features.ts';

export function decide(image: MetadataImage, command: Command, context: DecideContext): Decision<unknown> {
  switch (command.kind) {
    case 'createTopics':
      return decideCreateTopics(image, command, context);
    case 'createPartitions':
      return decideCreatePartitions(image, command, context);
    case 'deleteTopics':
      return decideDeleteTopics(image, command);
    case 'alterConfigs':
      return decideAlterConfigs(image, command, context);
    case 'electLeaders':
      return decideElectLeaders(image, command);
    case 'allocateProducerIds':
      return decideAllocateProducerIds(image, command, context);
    case 'failDirectories':
      return decideFailDirectories(image, command);
    case 'registerBroker':
      return decideRegisterBroker(image, command, context);
    case 'updateFeatures':
      return decideUpdateFeatures(image, command, context);
    default:
      throw new Error(`no decision for ${command.kind}`);
  }
}
