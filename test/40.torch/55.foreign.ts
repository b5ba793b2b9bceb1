import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ModelError } from '../../src/errors';
import { ScriptModule } from '../../src/torch';
import { temporaryDirectory } from '../support/temporary';
import { fixture } from '../support/torchscript';
import { writeZip } from '../support/zip';

describe('ScriptModule.load of other formats', () => {
  const directory = temporaryDirectory();

  /** Asserts the message of load and loadSync for a file and of load for its bytes. */
  async function assertExplained(path: string, is: string | RegExp, remedy: RegExp): Promise<void> {
    const check = (name: string) => (error: unknown) => {
      assert.ok(error instanceof ModelError);
      assert.equal(error.code, 'ERR_SEMISUP_MODEL_FORMAT');
      const prefix = `${name} could not be loaded as TorchScript: it `;
      assert.ok(error.what.startsWith(prefix), error.what);
      const rest = error.what.slice(prefix.length);
      if (typeof is === 'string') assert.equal(rest, is);
      else assert.match(rest, is);
      assert.match(error.remedy, remedy);
      assert.ok(error.cause instanceof ModelError);
      return true;
    };
    await assert.rejects(ScriptModule.load(path), check(path));
    assert.throws(() => ScriptModule.loadSync(path), check(path));
    const bytes = readFileSync(path);
    const name = `The buffer of ${bytes.length} bytes`;
    await assert.rejects(ScriptModule.load(bytes), check(name));
    assert.throws(() => ScriptModule.loadSync(bytes), check(name));
    await assert.rejects(ScriptModule.load(Readable.from([bytes])), check(name));
  }

  for (const [name, is, remedy] of [
    [
      'state-dict.pth',
      'is a checkpoint of torch.save: a state dict, or a pickled Python module.',
      /hub\.load\(name, \{ weights \}\).*torch\.jit\.script\(module\)\.save\(path\)/,
    ],
    [
      'pickled-module.pth',
      'is a checkpoint of torch.save: a state dict, or a pickled Python module.',
      /torch\.jit\.script/,
    ],
    [
      'legacy.pth',
      'is a checkpoint in the legacy format of torch.save: a state dict, or a pickled Python module.',
      /hub\.load\(name, \{ weights \}\)/,
    ],
    ['state-dict.safetensors', 'is a safetensors file.', /hub\.load\(name, \{ weights \}\)/],
    [
      'exported.pt2',
      'is an exported program of torch.export (.pt2).',
      /torch\.jit\.trace\(torch\.export\.load\(path\)\.module\(\), example\)/,
    ],
    ['package.pt', 'is a package of torch.package.', /torch\.jit\.script/],
    ['producer.onnx', 'is an ONNX model.', /onnxruntime-node/],
    ['anonymous.onnx', 'is an ONNX model.', /onnxruntime-node/],
    ['keras.h5', 'is an HDF5 file, e.g. of Keras.', /Only TorchScript/],
    ['model.keras', 'is a model of Keras.', /Only TorchScript/],
  ] as const) {
    it(`says what ${name} is, and what to do with it`, async () => {
      await assertExplained(join(__dirname, 'fixtures', 'foreign', name), is, remedy);
    });
  }

  for (const [kind, content, is, remedy] of [
    ['an empty file', '', 'is empty.', /^Download/],
    [
      'a Git LFS pointer',
      `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 102531\n`,
      'is a Git LFS pointer, not the file that it stands for.',
      /git lfs pull/,
    ],
    [
      'an HTML page',
      '\n<!DOCTYPE html>\n<html><title>Sign in</title></html>',
      'is a web page, which a server may send instead of a file.',
      /Open the URL/,
    ],
    [
      'an XML error of a server',
      '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code></Error>',
      'is a web page, which a server may send instead of a file.',
      /Open the URL/,
    ],
    [
      'a model.json of TensorFlow.js',
      '{"format":"layers-model","weightsManifest":[]}',
      `is JSON, which begins with {"format":"layers-model","weightsManifest":[]}.`,
      /hub\.load\(name, \{ weights \}\)/,
    ],
    [
      'a text',
      `Access denied für dich.\r\n${'x'.repeat(100)}`,
      `is text, which begins with 'Access denied für dich.'.`,
      /^Download/,
    ],
    [
      'a long line of text that ends within a character',
      `x${'ü'.repeat(300)}`,
      `is text, which begins with 'x${'ü'.repeat(59)}'.`,
      /^Download/,
    ],
    [
      'zeros',
      Buffer.alloc(2000),
      'begins with zeros only, as an interrupted download.',
      /^Download/,
    ],
    [
      'another pickle',
      Buffer.from('\x80\x04K\x01.', 'latin1'),
      'is a Python pickle that torch.save did not write.',
      /Only TorchScript/,
    ],
    [
      'a SavedModel of TensorFlow, which resembles ONNX',
      Buffer.from([0x08, 0x01, 0x12, 0xf4, 0x03, 0x0a, 0x3b, 0x12, 0x05]),
      'is of an unknown format: it begins with the bytes 08 01 12 f4 03 0a 3b 12.',
      /Only TorchScript/,
    ],
    [
      'one byte',
      Buffer.from([0xff]),
      'is of an unknown format: it begins with the bytes ff.',
      /Only TorchScript/,
    ],
  ] as const) {
    it(`identifies ${kind}`, async () => {
      const path = join(directory.path, 'file.pt');
      await writeFile(path, content);
      await assertExplained(path, is, remedy);
    });
  }

  it('says that a truncated archive is truncated, whatever it held', async () => {
    const path = join(directory.path, 'cut.pt');
    for (const whole of [fixture('notes'), join(__dirname, 'fixtures/foreign/state-dict.pth')]) {
      const bytes = readFileSync(whole);
      for (const length of [4, bytes.length >> 1, bytes.length - 1]) {
        await writeFile(path, bytes);
        await truncate(path, length);
        await assertExplained(path, /^is truncated: it begins as a zip archive/, /^Download/);
      }
    }
  });

  it('lists the records of a zip archive without a model', async () => {
    const path = join(directory.path, 'plain.zip');
    const records = (...names: string[]) =>
      names.map((name) => ({ name, data: Buffer.from('not a model') }));
    await writeZip(path, records('readme.txt', 'net/model.pt'));
    await assertExplained(
      path,
      'is a zip archive without a model: it contains readme.txt, net/model.pt.',
      /unpack/,
    );
    await writeZip(path, records('a\x07', 'b', 'c', 'd', 'e', 'f'));
    await assertExplained(
      path,
      'is a zip archive without a model: it contains a?, b, c, d, e, ….',
      /unpack/,
    );
    await writeZip(path, records('zip64', 'b'), true);
    await assertExplained(
      path,
      'is a zip archive without a model: it contains zip64, b.',
      /unpack/,
    );
    await writeZip(path, records('x'.repeat(1000)));
    await assertExplained(
      path,
      `is a zip archive without a model: it contains ${'x'.repeat(200)}….`,
      /unpack/,
    );
  });

  it('reports the error of LibTorch for TorchScript that is damaged', async () => {
    const bytes = Buffer.from(readFileSync(fixture('notes')));
    const path = join(directory.path, 'damaged.pt');
    // The name of a class in the pickle of the module.
    const at = bytes.indexOf('__torch__');
    assert.ok(at > 0);
    bytes.write('__broke__', at);
    await writeFile(path, bytes);
    await assert.rejects(ScriptModule.load(path), (error) => {
      assert.ok(error instanceof ModelError);
      assert.doesNotMatch(error.what, /: it is /);
      assert.match(error.remedy, /^Pass a TorchScript archive/);
      return true;
    });
  });
});
