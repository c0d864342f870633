/**
 * The clients that asked for telemetry subscriptions, and when each may ask or push again (KIP-714). One per broker, used
 * by the two telemetry APIs.
 *
 *     ask   → accepted once per push interval, or at once after the subscriptions have changed
 *     push  → accepted after an ask, then once per push interval; the last one (`terminating`) at any time, and none after it
 *
 * Invariant: at most `maxInstances` are remembered; beyond, the one that was silent for longest is forgotten.
 */
import { ERROR, ZERO_UUID } from '@meridian/protocol';
import type { RequestHeader } from '../apis/handler.ts';
import type { MetadataImage } from '../controller/image.ts';
import { randomUuid } from '../controller/random-uuid.ts';
import { type ClientSubscription, subscriptionOf } from './subscription.ts';

type From = Pick<RequestHeader, 'clientId' | 'source'>;

interface ClientInstance {
  readonly subscription: ClientSubscription;
  readonly configsVersion: number;
  readonly source: From['source'];
  askedMs: number;
  pushedMs: number;
  seenMs: number;
  isTerminating: boolean;
}

export interface ClientInstancesOptions {
  readonly image: MetadataImage;
  readonly maxInstances: number;
  readonly expiryMs: number;
  /** Milliseconds that never go back. */
  readonly monotonic: () => number;
  readonly random: Parameters<typeof randomUuid>[0];
}

export interface Asked {
  readonly errorCode: number;
  readonly instanceId: string;
  readonly subscription: ClientSubscription;
}

const NEVER = Number.NEGATIVE_INFINITY;
/** Ids that Kafka keeps for itself. */
const RESERVED: readonly string[] = [ZERO_UUID, '00000000-0000-0000-0000-000000000001'];
/** A silent client is forgotten after this many push intervals. */
const SILENT_INTERVALS = 3;

export class ClientInstances {
  readonly #options: ClientInstancesOptions;
  /** Silent for longest first. */
  readonly #instances = new Map<string, ClientInstance>();
  #configsVersion = 0;

  constructor(options: ClientInstancesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#instances.size;
  }

  /** Subscriptions have changed: whoever comes next is matched anew. */
  configsChanged(): void {
    this.#configsVersion++;
  }

  /** A client asks what to push; an id of zeros gets one made up. */
  ask(given: string, from: From): Asked {
    const instanceId = given === ZERO_UUID ? randomUuid(this.#options.random) : given;
    const nowMs = this.#options.monotonic();
    const instance = this.#instance(instanceId, from, nowMs);
    const { subscription } = instance;
    const sinceMs = nowMs - Math.max(instance.askedMs, instance.pushedMs);
    if (sinceMs < subscription.pushIntervalMs) {
      return { errorCode: ERROR.THROTTLING_QUOTA_EXCEEDED, instanceId, subscription };
    }
    instance.askedMs = nowMs;
    return { errorCode: ERROR.NONE, instanceId, subscription };
  }

  /** Whether a push may come now; an error code. */
  push(instanceId: string, push: { subscriptionId: number; terminating: boolean }, from: From): number {
    if (RESERVED.includes(instanceId)) return ERROR.INVALID_REQUEST;
    const nowMs = this.#options.monotonic();
    const instance = this.#instance(instanceId, from, nowMs);
    const wasTerminating = instance.isTerminating;
    instance.isTerminating = push.terminating;
    if (wasTerminating) return ERROR.INVALID_REQUEST;
    const { pushIntervalMs, id } = instance.subscription;
    const isDue = instance.askedMs > instance.pushedMs || nowMs - instance.pushedMs >= pushIntervalMs;
    if (isDue) instance.pushedMs = nowMs;
    else if (!push.terminating) return ERROR.THROTTLING_QUOTA_EXCEEDED;
    return push.subscriptionId === id ? ERROR.NONE : ERROR.UNKNOWN_SUBSCRIPTION_ID;
  }

  #instance(id: string, from: From, nowMs: number): ClientInstance {
    const known = this.#instances.get(id);
    this.#instances.delete(id);
    const instance = known !== undefined && this.#isCurrent(known, nowMs) ? known : this.#create(id, from, nowMs);
    instance.seenMs = nowMs;
    this.#instances.set(id, instance);
    if (this.#instances.size > this.#options.maxInstances) {
      this.#instances.delete(this.#instances.keys().next().value!);
    }
    return instance;
  }

  #isCurrent({ configsVersion, seenMs, source, subscription }: ClientInstance, nowMs: number): boolean {
    const expiryMs = Math.max(this.#options.expiryMs, subscription.pushIntervalMs * SILENT_INTERVALS);
    return configsVersion === this.#configsVersion && !source.closed && nowMs - seenMs < expiryMs;
  }

  #create(id: string, { clientId, source }: From, nowMs: number): ClientInstance {
    const subscription = subscriptionOf(this.#options.image, {
      client_instance_id: id,
      client_id: clientId ?? '',
      client_software_name: source.clientSoftware.name,
      client_software_version: source.clientSoftware.version,
      client_source_address: source.remoteAddress,
      client_source_port: String(source.remotePort),
    });
    const configsVersion = this.#configsVersion;
    return {
      subscription,
      configsVersion,
      source,
      askedMs: NEVER,
      pushedMs: NEVER,
      seenMs: nowMs,
      isTerminating: false,
    };
  }
}
