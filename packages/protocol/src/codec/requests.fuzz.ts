/** Fuzzing of every request decoder: `npm run fuzz -- request-fetch`, one unit for each API. */
import { APIS } from '../apis/apis.ts';
import { schemaUnit, unitNameOf } from './schema-unit.ts';

export const units = Object.fromEntries(
  APIS.map((api) => [`request-${unitNameOf(api.name)}`, schemaUnit(api.request)]),
);
