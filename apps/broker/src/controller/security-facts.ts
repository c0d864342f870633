/**
 * What Apache Kafka's controllers have written about ACLs, users, delegation tokens and client quotas. This release acts on
 * none of it; it is kept, by what each record is about, so that a snapshot loses nothing of it.
 */
import type { MetadataRecord, MetadataRecordInput } from '@meridian/protocol';

export class SecurityFacts {
  /** The record that stands, by its kind and what it is about. */
  readonly #records = new Map<string, MetadataRecord>();

  /** Takes a record over, or what it takes back; false if it is of another kind. */
  apply(record: MetadataRecord): boolean {
    switch (record.type) {
      case 'AccessControlEntryRecord':
      case 'RemoveAccessControlEntryRecord':
        return this.#put(`acl ${record.id}`, record, record.type === 'AccessControlEntryRecord');
      case 'UserScramCredentialRecord':
      case 'RemoveUserScramCredentialRecord': {
        const key = `scram ${record.mechanism} ${record.name}`;
        return this.#put(key, record, record.type === 'UserScramCredentialRecord');
      }
      case 'DelegationTokenRecord':
      case 'RemoveDelegationTokenRecord':
        return this.#put(`token ${record.tokenId}`, record, record.type === 'DelegationTokenRecord');
      case 'ClientQuotaRecord': {
        const entity = record.entity.map(({ entityType, entityName }) => [entityType, entityName]).sort();
        return this.#put(`quota ${JSON.stringify([entity, record.key])}`, record, !record.remove);
      }
      default:
        return false;
    }
  }

  copy(): SecurityFacts {
    const copy = new SecurityFacts();
    for (const [key, record] of this.#records) copy.#records.set(key, record);
    return copy;
  }

  records(): Iterable<MetadataRecordInput> {
    return this.#records.values();
  }

  #put(key: string, record: MetadataRecord, stands: boolean): true {
    if (stands) this.#records.set(key, record);
    else this.#records.delete(key);
    return true;
  }
}
