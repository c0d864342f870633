/**
 * Metadata records about who may do what, and how much of it: ACLs, SCRAM credentials, delegation tokens, client quotas.
 * Apache Kafka's controllers write them; they are read so that a log that has them is not refused. Listed by key in
 * `metadata-records.ts`.
 */
import { array, boolean, bytes, float64, int8, int32, int64, schema, string, uuid } from '../codec/schema.ts';

const ONLY_VERSION = { minVersion: 0, maxVersion: 0, flexibleFrom: 0 };

export const AccessControlEntryRecord = schema('AccessControlEntryRecord', ONLY_VERSION, {
  id: uuid(),
  resourceType: int8(),
  resourceName: string(),
  patternType: int8(),
  principal: string(),
  host: string(),
  operation: int8(),
  permissionType: int8(),
});

export const RemoveAccessControlEntryRecord = schema('RemoveAccessControlEntryRecord', ONLY_VERSION, { id: uuid() });

export const UserScramCredentialRecord = schema('UserScramCredentialRecord', ONLY_VERSION, {
  name: string(),
  mechanism: int8(),
  salt: bytes(),
  storedKey: bytes(),
  serverKey: bytes(),
  iterations: int32(),
});

export const RemoveUserScramCredentialRecord = schema('RemoveUserScramCredentialRecord', ONLY_VERSION, {
  name: string(),
  mechanism: int8(),
});

export const DelegationTokenRecord = schema('DelegationTokenRecord', ONLY_VERSION, {
  owner: string(),
  requester: string(),
  renewers: array(string()),
  issueTimestamp: int64(),
  maxTimestamp: int64(),
  expirationTimestamp: int64(),
  tokenId: string(),
});

export const RemoveDelegationTokenRecord = schema('RemoveDelegationTokenRecord', ONLY_VERSION, { tokenId: string() });

/** One limit of an entity, which is all of its parts together; a name of null is the default of its type. */
export const ClientQuotaRecord = schema('ClientQuotaRecord', ONLY_VERSION, {
  entity: array({ entityType: string(), entityName: string({ nullable: true }) }),
  key: string(),
  value: float64(),
  remove: boolean(),
});
