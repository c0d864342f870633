/** Checks of single fields of what a client sent; each throws `bad-request` and names the field. */
import { GatewayError } from '../errors.ts';

export type Fields = Readonly<Record<string, unknown>>;

export function asFields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(`${what} must be an object`);
  return value as Fields;
}

export function textField(fields: Fields, name: string, maxChars: number): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length > maxChars)
    throw refuse(`${name} must be a text of at most ${maxChars}`);
  return value;
}

export function optionalText(fields: Fields, name: string, maxChars: number): string | undefined {
  return fields[name] === undefined || fields[name] === null ? undefined : textField(fields, name, maxChars);
}

/** A whole number in 0..max. */
export function countField(fields: Fields, name: string, max: number = Number.MAX_SAFE_INTEGER): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > max) {
    throw refuse(`${name} must be a whole number in 0..${max}`);
  }
  return value;
}

export function optionalCount(fields: Fields, name: string, max?: number): number | undefined {
  return fields[name] === undefined || fields[name] === null ? undefined : countField(fields, name, max);
}

/** What the answer will bear; undefined where the frame has none that is usable. */
export function idOf(fields: Fields): number | undefined {
  return typeof fields.id === 'number' && Number.isSafeInteger(fields.id) ? fields.id : undefined;
}

export function refuse(message: string): GatewayError {
  return new GatewayError('bad-request', message);
}
