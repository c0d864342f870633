/**
 * What this node asks of the active controller on its own account while that is elsewhere: topics that come into being by
 * themselves, and producer ids. Handed to `QuorumController`.
 * Invariant: topics that were created are in the local image when the answer comes, unless the metadata is late by
 * `REMOTE_LIMITS.shownTimeoutMs`.
 */
import { ClientError } from '@meridian/client';
import type { Timers } from '@meridian/io';
import {
  AllocateProducerIds,
  CreateTopics,
  decodeResponse,
  Envelope,
  ERROR,
  encodeRequest,
  errorName,
  type ResponseOf,
  ZERO_UUID,
} from '@meridian/protocol';
import { addressBytes, principalOf } from '../apis/forwarded-client.ts';
import type {
  CreatedTopic,
  CreateTopicsResult,
  CreateTopics as Creation,
  ProducerIdBlock,
} from '../controller/commands.ts';
import type { Controller } from '../controller/controller.ts';
import type { RemoteController } from '../controller/quorum-controller.ts';
import { BrokerError } from '../errors.ts';
import type { ControllerChannel } from './controller-channel.ts';
import { REMOTE_LIMITS } from './limits.ts';
import { withoutLength } from './local-call.ts';

export interface RemoteOptions {
  readonly timers: Pick<Timers, 'after'>;
  readonly channel: ControllerChannel;
  readonly controller: Pick<Controller, 'image' | 'onChange'>;
  readonly nodeId: number;
  /** Of this broker's registration. */
  readonly brokerEpoch: () => number;
}

export function createRemoteController(options: RemoteOptions): RemoteController {
  return {
    createTopics: (command) => createTopics(options, command),
    allocateProducerIds: () => allocateProducerIds(options),
  };
}

async function createTopics(options: RemoteOptions, command: Creation): Promise<CreateTopicsResult> {
  const version = CreateTopics.maxVersion;
  const { topics, validateOnly, requester } = command;
  const { timeoutMs } = REMOTE_LIMITS;
  const header = { correlationId: 0, clientId: `node-${options.nodeId}` };
  const requestData = withoutLength(encodeRequest(CreateTopics, version, header, { topics, validateOnly, timeoutMs }));
  const principal = { requestPrincipal: principalOf(requester), clientHostAddress: addressBytes('127.0.0.1') };
  let responseData: Buffer | null;
  try {
    ({ responseData } = await options.channel.send(Envelope, { requestData, ...principal }, { timeoutMs }));
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return { topics: topics.map(({ name }) => refused(name, ERROR.REQUEST_TIMED_OUT, error.message)) };
  }
  if (responseData === null) {
    return { topics: topics.map(({ name }) => refused(name, ERROR.UNKNOWN_SERVER_ERROR, 'The envelope was refused.')) };
  }
  const { body } = decodeResponse(CreateTopics, version, responseData);
  const created = body.topics.filter(({ errorCode }) => errorCode === ERROR.NONE).map(({ topicId }) => topicId);
  if (!validateOnly) await shown(options, created);
  return { topics: body.topics.map(resultOf) };
}

type Answered = ResponseOf<typeof CreateTopics>['topics'][number];

function resultOf({ configs, ...topic }: Answered): CreatedTopic {
  const { name, topicId, errorCode, errorMessage, numPartitions, replicationFactor } = topic;
  const values = new Map((configs ?? []).map(({ name: key, value }) => [key, value ?? '']));
  return { name, topicId, errorCode, errorMessage, numPartitions, replicationFactor, configs: values };
}

function refused(name: string, errorCode: number, errorMessage: string): CreatedTopic {
  const none = { topicId: ZERO_UUID, numPartitions: -1, replicationFactor: -1, configs: new Map() };
  return { name, errorCode, errorMessage, ...none };
}

/** Resolves when the image has all of them, or a while later. */
function shown({ timers, controller }: RemoteOptions, topicIds: readonly string[]): Promise<void> {
  const { image } = controller;
  const areShown = (): boolean => topicIds.every((id) => image.topicsById.has(id));
  if (areShown()) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      stop();
      resolve();
    };
    const timer = timers.after(REMOTE_LIMITS.shownTimeoutMs, done);
    const stop = controller.onChange(() => {
      if (areShown()) done();
    });
  });
}

async function allocateProducerIds({ channel, nodeId, brokerEpoch }: RemoteOptions): Promise<ProducerIdBlock> {
  const asked = { brokerId: nodeId, brokerEpoch: brokerEpoch() };
  const answer = await channel.send(AllocateProducerIds, asked, { timeoutMs: REMOTE_LIMITS.timeoutMs });
  const { errorCode, producerIdStart: first, producerIdLen: count } = answer;
  if (errorCode === ERROR.NONE) return { errorCode, first, count };
  // A broker that registers anew gets them then.
  const isForNow = errorCode === ERROR.STALE_BROKER_EPOCH || errorCode === ERROR.BROKER_ID_NOT_REGISTERED;
  if (isForNow) throw new ClientError('refused', `AllocateProducerIds, ${errorName(errorCode)}`);
  throw new BrokerError('no-producer-ids', errorName(errorCode));
}
