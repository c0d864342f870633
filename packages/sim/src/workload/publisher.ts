/**
 * An application that publishes through the gateway with the SDK, idempotently, several in flight. A publish whose
 * outcome nobody can know is noted as such and not sent again.
 */
import type { Io } from '@meridian/io';
import { between } from '@meridian/io/sim';
import type { Meridian } from '@meridian/sdk';
import type { Ledger } from '../ledger.ts';
import { LIMITS } from '../limits.ts';

export interface PublisherOptions {
  io: Io;
  meridian: Meridian;
  name: string;
  topic: string;
  /** The tenant's topic as the brokers know it. */
  physicalTopic: string;
  ledger: Ledger;
  trace(line: string): void;
}

/** Resolves when every publish is answered, one way or the other. */
export async function runPublisher(options: PublisherOptions): Promise<void> {
  const { io } = options;
  const answers: Promise<void>[] = [];
  for (let n = 0; n < LIMITS.recordsPerPublisher; n++) {
    answers.push(publish(options, `${options.name}:${n}`));
    await io.timers.sleep(between(io.random, LIMITS.writePauseMs));
  }
  await Promise.all(answers);
}

async function publish(
  { meridian, topic, physicalTopic, ledger, trace }: PublisherOptions,
  value: string,
): Promise<void> {
  try {
    const { region, partition, offset } = await meridian.publish(topic, { key: null, value }, { idempotent: true });
    ledger.acknowledged.push({ region, topic: physicalTopic, partition, offset, value });
  } catch (error) {
    trace(`publish of ${value} failed: ${(error as Error).message}`);
    ledger.unknown.add(value);
  }
}
