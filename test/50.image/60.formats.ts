import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  formatFiles,
  formatTable,
  judge,
  maxLevels,
  type FormatFile,
  type Verdict,
} from '../support/image-formats';

describe('image formats against Pillow', () => {
  const results: { file: FormatFile; verdict: Verdict }[] = [];

  for (const format of new Set(formatFiles.map((file) => file.format))) {
    it(`decodes ${format} to Pillow's samples, to documented near ones, or rejects it`, async () => {
      for (const file of formatFiles.filter((candidate) => candidate.format === format)) {
        const name = [format, file.color, file.bits, file.variant].join(', ');
        const verdict = await judge(file, false);
        results.push({ file, verdict });
        if (verdict.kind === 'different') assert.fail(`${name}: ${verdict.reason}`);
        if (verdict.kind === 'near') assert.ok(verdict.levels <= maxLevels[format]!, name);
        // Only what Pillow rejects, too, may be reported as corrupt.
        if (verdict.kind === 'rejected' && file.pillow) {
          assert.equal(verdict.code, 'ERR_SEMISUP_IMAGE_FORMAT', name);
        }
        const oriented = await judge(file, true);
        assert.equal(oriented.kind, verdict.kind, `${name}, oriented`);
        if (oriented.kind === 'near') assert.ok(oriented.levels <= maxLevels[format]!, name);
      }
    });
  }

  it('are listed with their results in docs/image-formats.md', async () => {
    const page = await readFile(join(__dirname, '../../docs/image-formats.md'), 'utf8');
    const table = formatTable(results);
    // Prettier aligns the cells.
    const normalized = (text: string) => text.replace(/ +/g, ' ').replace(/-{3,}/g, '---');
    const message = `docs/image-formats.md does not contain this table:\n${table}`;
    assert.ok(normalized(page).includes(normalized(table)), message);
  });
});
