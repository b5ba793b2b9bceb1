/** What stored results depend on, as JSON. */
export type Conditions = Readonly<Record<string, unknown>>;

/** The first condition that differs, as a clause. */
export function differenceBetween(before: Conditions, now: Conditions): string {
  const name = Object.keys(now).find(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(now[key]),
  );
  if (name === undefined) return 'it has more conditions';
  return `${name} was ${JSON.stringify(before[name])}, and is now ${JSON.stringify(now[name])}`;
}
