/**
 * Whether a subscription of client metrics (KIP-714) may have these configs, in Apache Kafka's words. Called by the
 * decision that alters configs.
 */
import { ERROR } from '@meridian/protocol';
import {
  CLIENT_METRICS_CONFIG,
  CLIENT_METRICS_CONFIGS,
  parseMatch,
  whyInvalidInterval,
} from '../configs/client-metrics-configs.ts';
import { whyInvalid } from '../configs/definition.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { Refusal } from './decision.ts';

/** `next`: values by name; null clears. */
export function checkClientMetricsConfigs(name: string, next: ReadonlyMap<string, string | null>): void {
  if (name === '') throw new Refusal(ERROR.INVALID_REQUEST, "Subscription name can't be empty");
  if (name.length > CONTROLLER_LIMITS.configNameChars) {
    throw new Refusal(ERROR.INVALID_REQUEST, 'The name of the subscription is too long');
  }
  for (const [config, value] of next) if (value !== null) checkValue(config, value);
}

function checkValue(name: string, value: string): void {
  const config = CLIENT_METRICS_CONFIGS.get(name);
  if (config === undefined) {
    throw new Refusal(ERROR.INVALID_REQUEST, `Unknown client metrics configuration: ${name}`);
  }
  if (value.length > CONTROLLER_LIMITS.configValueChars) {
    throw new Refusal(ERROR.INVALID_CONFIG, `The value of ${name} is too long`);
  }
  const why = whyInvalid(config, value);
  if (why !== null) throw new Refusal(ERROR.INVALID_CONFIG, why);
  const whyInterval = name === CLIENT_METRICS_CONFIG.interval ? whyInvalidInterval(Number(value)) : null;
  if (whyInterval !== null) throw new Refusal(ERROR.INVALID_REQUEST, whyInterval);
  const match = name === CLIENT_METRICS_CONFIG.match ? parseMatch(value) : undefined;
  if (match !== undefined && 'wrong' in match) {
    throw new Refusal(ERROR.INVALID_CONFIG, `Illegal client matching pattern: ${match.wrong}`);
  }
}
