/**
 * For the handlers of what brokers and controllers ask of the active controller: a node that is not active (any more) says
 * so in the answer, and the asker looks for the one that is. Requests of clients are forwarded instead (`forwarding.ts`).
 */
import { BrokerError } from '../errors.ts';

/** One that stops does not decide any more either. */
const INACTIVE: ReadonlySet<string> = new Set(['not-controller', 'controller-closed']);

/** What was asked for, or the answer of a node that does not decide. */
export async function orWhenInactive<T>(asked: Promise<T>, inactive: T): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof BrokerError && INACTIVE.has(error.code)) return inactive;
    throw error;
  }
}
