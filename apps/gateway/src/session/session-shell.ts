/**
 * One session's shell: feeds its machine with what the socket and the gateway say, and performs its effects. Holds
 * its subscriptions and its producer.
 * Invariant: a socket that does not take what it is sent is neither read from nor written to, until it does or
 * `slowConsumerMs` have passed; frames that arrive while the first token is verified wait, bounded.
 */

import type { Logger } from '@meridian/io';
import { CLOSE_CODES, type GapReason, type ServerFrame } from '@meridian/sdk/frames';
import { type CursorPosition, encodeCursor, isAllowed, physicalTopic, type TokenVerifier } from '@meridian/tenancy';
import type { Subscription } from '../delivery/subscription.ts';
import type { WireFrame } from '../delivery/wire-frame.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { ProducerIdentity, PublishRequest } from '../publish/publish-request.ts';
import { readRawPublish } from '../publish/raw-batch.ts';
import type { TopicDirectory } from '../publish/topic-directory.ts';
import { readClientFrame, type SubscribeRequest } from './client-frames.ts';
import type { GatewaySocket } from './gateway-socket.ts';
import { OpenSubscription, type SubscriptionDeps, type SubscriptionHost } from './open-subscription.ts';
import { type Effect, errorFrame, type Input, newSession, type SessionState, step } from './session.ts';
import { SessionPublisher, type SessionPublisherDeps } from './session-publisher.ts';

export interface SessionDeps extends SubscriptionDeps, SessionPublisherDeps {
  readonly verifier: TokenVerifier;
  readonly directory: TopicDirectory;
  readonly log: Logger;
  nowMs(): number;
  /** Whether the tenant may have one more connection; called once per session, when its token was verified. */
  admit(tenant: string): boolean;
}

export class SessionShell implements SubscriptionHost {
  private readonly deps: SessionDeps;
  private readonly socket: GatewaySocket;
  private readonly state: SessionState;
  private readonly publishing: SessionPublisher;
  private readonly subscriptions = new Map<string, OpenSubscription>();
  /** Raw batches whose producer has to be compared. */
  private readonly claims = new WeakMap<PublishRequest, ProducerIdentity>();
  private held: { bytes: Buffer; isBinary: boolean }[] | undefined;
  private heldBytes = 0;
  private blockedSinceMs = -1;
  private isDraining = false;
  private isClosed = false;
  /** The tenant whose connections this one was counted among. */
  private admitted: string | undefined;

  constructor(deps: SessionDeps, socket: GatewaySocket, onClose: (tenant: string | undefined) => void) {
    this.deps = deps;
    this.socket = socket;
    this.state = newSession(deps.region, deps.nowMs());
    this.publishing = new SessionPublisher(deps);
    socket.onMessage = (bytes, isBinary) => this.onMessage(bytes, isBinary);
    socket.onHeard = () => {
      this.input({ type: 'heard' });
      this.checkRoom();
    };
    socket.onDrain = () => this.onDrain();
    socket.onClose = () => {
      this.release();
      onClose(this.admitted);
    };
  }

  get tenant(): string {
    return this.state.principal?.tenant ?? '';
  }

  get shape(): 'json' | 'bin' {
    return this.socket.protocol === 'meridian.v1.bin' ? 'bin' : 'json';
  }

  nowMs(): number {
    return this.deps.nowMs();
  }

  /** The token that came in the handshake. */
  connect(token: string): void {
    this.input({ type: 'connect', token, session: undefined });
  }

  tick(nowMs: number): void {
    this.input({ type: 'tick' });
    for (const open of this.subscriptions.values()) open.subscription.tick(nowMs);
    if (this.blockedSinceMs < 0) return;
    if (this.socket.bufferedBytes <= LIMITS.maxBufferedBytes) this.onDrain();
    else if (nowMs - this.blockedSinceMs >= LIMITS.slowConsumerMs) {
      this.end(CLOSE_CODES.slowConsumer, 'the socket did not take what it was sent');
      this.socket.destroy();
    }
  }

  /** From here on publishes are refused; what is under way is still answered. */
  startDraining(): void {
    this.isDraining = true;
  }

  /** The last cursors, the `drain` frame, the end. */
  drain(delayMs: number): void {
    if (this.isClosed) return;
    for (const { subscription } of this.subscriptions.values()) {
      if (subscription.isOpen) this.sendCursor(subscription);
      subscription.close();
    }
    this.send({ type: 'drain', delayMs });
    this.end(CLOSE_CODES.draining, 'the gateway goes down');
  }

  destroy(): void {
    this.socket.destroy();
  }

  // ---- Outlet: what subscriptions ask ----

  isReady(): boolean {
    if (this.blockedSinceMs >= 0 || this.isClosed) return false;
    return this.checkRoom();
  }

  sendShared(frame: WireFrame): void {
    this.socket.sendShared(frame);
  }

  sendGap(topic: string, place: CursorPosition, to: number, reason: GapReason): void {
    const { region, topicId, partition, offset } = place;
    this.send({ type: 'gap', topic, region, topicId, partition, from: offset, to, reason });
  }

  sendCursor(subscription: Subscription, id?: number): void {
    const { topic } = subscription;
    subscription.cursorSent(this.nowMs());
    try {
      const cursor = encodeCursor(this.deps.keys, { tenant: this.tenant, topic }, subscription.positions());
      this.send({ type: 'cursor', topic, cursor, ...(id === undefined ? {} : { id }) });
    } catch (error) {
      this.send(errorFrame(id, asGatewayError(error)));
    }
  }

  send(frame: ServerFrame): void {
    if (!this.isClosed) this.socket.sendText(JSON.stringify(frame));
  }

  // ---- what comes in ----

  private onMessage(bytes: Buffer, isBinary: boolean): void {
    if (this.isClosed) return;
    if (this.state.phase === 'verifying') return this.hold(bytes, isBinary);
    if (isBinary) this.onBinary(bytes);
    else this.input(readClientFrame(bytes, this.nowMs()));
    this.checkRoom();
  }

  private onBinary(bytes: Buffer): void {
    let id: number | undefined;
    try {
      if (this.shape !== 'bin') throw new GatewayError('bad-request', 'binary frames belong to meridian.v1.bin');
      const publish = readRawPublish(bytes, (known) => {
        id = known;
      });
      if (publish.claimed !== undefined) this.claims.set(publish.request, publish.claimed);
      this.input({ type: 'publish', id: publish.id, request: publish.request });
    } catch (error) {
      this.input({ type: 'problem', id, error: asGatewayError(error) });
    }
  }

  private hold(bytes: Buffer, isBinary: boolean): void {
    this.held ??= [];
    this.heldBytes += bytes.length;
    if (this.held.length >= LIMITS.maxPendingRequests || this.heldBytes > LIMITS.maxFrameBytes) {
      return this.end(CLOSE_CODES.badRequest, 'too much before welcome');
    }
    this.held.push({ bytes, isBinary });
  }

  private releaseHeld(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const { bytes, isBinary } of held) this.onMessage(bytes, isBinary);
  }

  /** False, and reading stopped, while the socket has too much to take. */
  private checkRoom(): boolean {
    if (this.socket.bufferedBytes <= LIMITS.maxBufferedBytes) return true;
    if (this.blockedSinceMs < 0) {
      this.blockedSinceMs = this.nowMs();
      this.socket.pause();
    }
    return false;
  }

  private onDrain(): void {
    if (this.blockedSinceMs < 0 || this.isClosed) return;
    this.blockedSinceMs = -1;
    this.socket.resume();
    for (const open of this.subscriptions.values()) open.subscription.pump();
  }

  // ---- effects ----

  private input(input: Input): void {
    for (const effect of step(this.state, input, this.nowMs())) this.perform(effect);
  }

  private perform(effect: Effect): void {
    switch (effect.do) {
      case 'send':
        return this.send(effect.frame);
      case 'close':
        return this.end(effect.code, effect.reason);
      case 'verify':
        return this.verify(effect.token, effect.session);
      case 'ping':
        return this.socket.ping();
      case 'describe':
        return this.describe(effect.id, effect.topic);
      case 'publish':
        return this.publish(effect.id, effect.request);
      case 'subscribe':
        return this.subscribe(effect.subscribe);
      case 'unsubscribe':
        this.subscriptions.get(effect.topic)?.close();
        this.subscriptions.delete(effect.topic);
        return;
      case 'credit':
        return this.subscriptions.get(effect.topic)?.subscription.addCredits(effect.messages, effect.bytes);
      case 'cursor':
        return this.answerCursor(effect.id, effect.topic);
    }
  }

  private verify(token: string, session: string | undefined): void {
    this.deps.verifier.verify(token).then(
      (principal) => {
        if (this.isClosed) return;
        if (this.admitted === undefined) {
          if (!this.deps.admit(principal.tenant)) return this.end(CLOSE_CODES.connectionLimit, 'too many connections');
          this.admitted = principal.tenant;
        }
        const isResumed = this.publishing.resume(principal, session);
        this.input({ type: 'verified', principal, session, isResumed });
        this.releaseHeld();
      },
      (error) => {
        this.deps.log.info('token refused', {
          code: (error as { code?: string }).code,
          reason: (error as Error).message,
        });
        this.input({ type: 'refused', error: asGatewayError(error) });
      },
    );
  }

  private describe(id: number, topic: string): void {
    const name = physicalTopic(this.tenant, topic);
    const mayCreate = isAllowed(this.state.principal?.permissions ?? [], 'write', topic);
    this.deps.directory.find(name, mayCreate, this.nowMs()).then(
      ({ originTopicId, partitions }) => {
        this.input({ type: 'request-done' });
        this.send({ type: 'described', id, topic, topicId: originTopicId, partitions });
      },
      (error) => {
        this.input({ type: 'request-done' });
        this.send(errorFrame(id, asGatewayError(error)));
      },
    );
  }

  private publish(id: number, request: PublishRequest): void {
    const { sizeInBytes } = request;
    const answer = (frame: ServerFrame): void => {
      this.input({ type: 'publish-done', sizeInBytes });
      this.send(frame);
    };
    if (this.isDraining) return answer(errorFrame(id, new GatewayError('unavailable', 'the gateway goes down')));
    this.publishing.publish(id, request, this.claims.get(request), answer);
  }

  private subscribe(request: SubscribeRequest): void {
    const { id, topic } = request;
    const open = new OpenSubscription(this.deps, this, request);
    this.subscriptions.set(topic, open);
    open.open().then(
      () => this.input({ type: 'request-done' }),
      (error) => {
        this.input({ type: 'request-done' });
        // Unless it was unsubscribed meanwhile, and perhaps subscribed anew.
        if (this.subscriptions.get(topic) === open) {
          this.subscriptions.delete(topic);
          this.input({ type: 'subscribe-failed', topic });
        }
        this.send(errorFrame(id, asGatewayError(error)));
      },
    );
  }

  private answerCursor(id: number, topic: string): void {
    const open = this.subscriptions.get(topic);
    // Before `subscribed` there are no positions, and an empty cursor would mean the beginning.
    if (open?.subscription.isOpen === true) this.sendCursor(open.subscription, id);
    else this.send(errorFrame(id, new GatewayError('not-subscribed', topic)));
  }

  private end(code: number, reason: string): void {
    if (this.isClosed) return;
    this.socket.close(code, reason);
    this.release();
  }

  private release(): void {
    this.isClosed = true;
    this.state.phase = 'closed';
    this.held = undefined;
    for (const open of this.subscriptions.values()) open.close();
    this.subscriptions.clear();
  }
}
