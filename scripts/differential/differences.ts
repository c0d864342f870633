/** Where two normalised answers part, as paths with both values. */
export interface Difference {
  /** As `responses[0].partitions[0].errorCode`. */
  readonly path: string;
  readonly ours: unknown;
  readonly theirs: unknown;
}

export function differencesOf(ours: unknown, theirs: unknown, path = ''): Difference[] {
  if (Object.is(ours, theirs)) return [];
  if (!isObject(ours) || !isObject(theirs) || Array.isArray(ours) !== Array.isArray(theirs)) {
    return [{ path, ours, theirs }];
  }
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    const named = [ours, theirs].every(
      (list) => list.length > 0 && list.every((each) => isObject(each) && 'name' in each) && areUnique(list),
    );
    if (named) return differencesOf(byName(ours), byName(theirs), path);
    if (ours.length !== theirs.length) return [{ path, ours, theirs }];
  }
  const keys = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return [...keys].flatMap((key) => {
    const at = Array.isArray(ours) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    return differencesOf(ours[key], theirs[key], at);
  });
}

function areUnique(list: unknown[]): boolean {
  return new Set(list.map((each) => (each as { name: unknown }).name)).size === list.length;
}

/** Lists of named things (configs, topics) are compared name by name. */
function byName(list: unknown[]): Record<string, unknown> {
  return Object.fromEntries(list.map((each, n) => [`${(each as { name: unknown }).name ?? n}`, each]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
