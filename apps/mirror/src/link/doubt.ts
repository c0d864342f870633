/**
 * What one look at a cluster's metadata says may be what an outdated broker believes. Whatever stops a copy is believed
 * when several looks in a row have said the same. Used by the link. Invariant: a look that says otherwise starts anew.
 */
export class Doubt {
  private readonly looks: number;
  private seen = new Map<string, { what: string; times: number }>();
  private next = new Map<string, { what: string; times: number }>();

  constructor(looks: number) {
    this.looks = looks;
  }

  /** Once per look and key. */
  isCertain(key: string, what: string): boolean {
    const before = this.seen.get(key);
    const times = before?.what === what ? before.times + 1 : 1;
    this.next.set(key, { what, times });
    return times >= this.looks;
  }

  /** Something was said of it in this look or the one before, and is not believed yet or is. */
  isDoubted(key: string): boolean {
    return this.next.has(key) || this.seen.has(key);
  }

  /** After a look: what was not said in it is forgotten. */
  endLook(): void {
    this.seen = this.next;
    this.next = new Map();
  }
}
