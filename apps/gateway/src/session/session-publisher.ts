/**
 * A session's publishes: hands out the producer id at the first idempotent one, and answers each.
 * Invariant: publishes reach the publisher in the order in which the client sent them, per kind (idempotent or not).
 */
import type { PublishedFrame, ServerFrame } from '@meridian/sdk/frames';
import { decodeSession, encodeSession, type KeyRing, type SessionBearer } from '@meridian/tenancy';
import type { BrokerPort } from '../broker/broker-port.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { ProducerIdentity, PublishOutcome, PublishRequest } from '../publish/publish-request.ts';
import type { Publisher } from '../publish/publisher.ts';
import { errorFrame } from './session.ts';

export interface SessionPublisherDeps {
  readonly broker: BrokerPort;
  readonly publisher: Publisher;
  readonly keys: KeyRing;
  readonly region: string;
}

export class SessionPublisher {
  private readonly deps: SessionPublisherDeps;
  private producer: Promise<ProducerIdentity> | undefined;
  private bearer: SessionBearer = { tenant: '', subject: '' };
  private isTold = false;

  constructor(deps: SessionPublisherDeps) {
    this.deps = deps;
  }

  /** Goes on with an earlier session's producer; false if the text is not one of this bearer and region. */
  resume(bearer: SessionBearer, text: string | undefined): boolean {
    this.bearer = bearer;
    if (text === undefined || this.producer !== undefined) return false;
    try {
      const { region, producerId, producerEpoch } = decodeSession(this.deps.keys, bearer, text);
      if (region !== this.deps.region) return false;
      this.producer = Promise.resolve({ producerId, producerEpoch });
      return true;
    } catch {
      return false; // `welcome` without a session says so
    }
  }

  /** `claimed` is the producer that a raw batch names. */
  publish(
    id: number,
    request: PublishRequest,
    claimed: ProducerIdentity | undefined,
    answer: (frame: ServerFrame) => void,
  ): void {
    const { tenant } = this.bearer;
    if (request.sequence === undefined) {
      this.deps.publisher.publish(tenant, request, undefined, (outcome) => answer(answerFrame(id, outcome)));
      return;
    }
    this.identity().then(
      (producer) => {
        if (claimed !== undefined && !isSame(claimed, producer)) {
          return answer(errorFrame(id, new GatewayError('bad-request', "the batch names another session's producer")));
        }
        this.deps.publisher.publish(tenant, request, producer, (outcome) => {
          answer(outcome instanceof GatewayError ? answerFrame(id, outcome) : this.tell(id, producer, outcome));
        });
      },
      (error) => answer(errorFrame(id, asGatewayError(error))),
    );
  }

  private identity(): Promise<ProducerIdentity> {
    if (this.producer === undefined) {
      const asked = this.deps.broker.initProducer();
      asked.catch(() => {
        this.producer = undefined; // the next publish asks again
      });
      this.producer = asked;
    }
    return this.producer;
  }

  private tell(id: number, producer: ProducerIdentity, outcome: PublishOutcome): ServerFrame {
    const frame = answerFrame(id, outcome);
    if (this.isTold || frame.type !== 'published') return frame;
    this.isTold = true;
    const { region, keys } = this.deps;
    const { tenant, subject } = this.bearer;
    return { ...frame, ...producer, session: encodeSession(keys, { tenant, region, ...producer }, subject) };
  }
}

function answerFrame(id: number, outcome: PublishOutcome): PublishedFrame | ReturnType<typeof errorFrame> {
  return outcome instanceof GatewayError ? errorFrame(id, outcome) : { type: 'published', id, ...outcome };
}

const isSame = (a: ProducerIdentity, b: ProducerIdentity): boolean =>
  a.producerId === b.producerId && a.producerEpoch === b.producerEpoch;
