const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..', '..', '..', '..');

/** @returns the hash of the pixels, and the resident memory in MB after 100 images and after all */
exports.decodeMany = async (count) => {
  const { decode } = require(join(root, 'lib', 'image'));
  const clock = readFileSync(join(root, 'examples', 'clock.jpg'));
  const megabytes = () => Math.round(process.memoryUsage.rss() / 2 ** 20);
  let before = 0;
  let pixels;
  for (let i = 0; i < count; i++) {
    if (i === 100) before = megabytes();
    pixels = await decode(clock);
  }
  const sha256 = createHash('sha256').update(pixels.data).digest('hex');
  return { sha256, before, after: megabytes() };
};
