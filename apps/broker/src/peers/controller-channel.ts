/**
 * The way to the active controller, wherever it is: in this process without a socket, else over `Peers`. Used for
 * everything that a broker asks of it: registration, heartbeats, AlterPartition, producer ids, forwarded requests.
 * Invariant: what is sent has an answer of an active controller, or has used up its time.
 */
import type { Api, RequestInput, ResponseOf } from '@meridian/protocol';

export interface ControllerChannel {
  /**
   * Waits while there is no controller, and tries again when it has moved or the connection broke. What was sent may so
   * be decided twice. Rejects with `ClientError` (`timeout`, `cancelled`, `unsupported-version`, …).
   */
  send<A extends Api>(api: A, body: RequestInput<A>, options: ChannelCall): Promise<ResponseOf<A>>;
  /** The active controller is this node, as far as is known. */
  readonly isLocal: boolean;
}

export interface ChannelCall {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** The answer may take long: it has a connection of its own, and is waited for as long as the call may take. */
  readonly isSlow?: boolean;
}
