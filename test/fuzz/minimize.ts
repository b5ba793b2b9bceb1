/** How many smaller inputs are tried. */
const maxTries = 300;

/**
 * Removes parts of an input as long as `fails` is true for the rest: halves, quarters and so on.
 *
 * @returns the smallest input that was found
 */
export async function minimize(
  input: Buffer,
  fails: (smaller: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  let smallest = input;
  let tries = 0;
  for (let size = smallest.length >> 1; size >= 1 && tries < maxTries; size >>= 1) {
    for (let at = 0; at + size <= smallest.length && tries < maxTries; tries++) {
      const smaller = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (await fails(smaller)) smallest = smaller;
      else at += size;
    }
  }
  return smallest;
}
