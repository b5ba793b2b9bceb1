import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Network } from '../net/http';

/** npm's registry and network settings. */
export interface NpmSettings extends Network {
  /** Undefined without npm, which knows the default one, and without configuration. */
  readonly registry?: string;
}

/**
 * Queries npm, which merges its environment variables and up to four `.npmrc` files. Without npm, only
 * the environment's `npm_config_…` variables are used.
 */
export async function npmSettings(signal?: AbortSignal): Promise<NpmSettings> {
  const config = await queryNpm(signal);
  const setting = (name: string) =>
    text(config[name]) ?? text(process.env[`npm_config_${name.replace('-', '_')}`]);
  const cafile = setting('cafile');
  return {
    registry: setting('registry'),
    ca: cafile && (await readFile(cafile, 'utf8').catch(() => undefined)),
    httpProxy: setting('proxy'),
    httpsProxy: setting('https-proxy') ?? setting('proxy'),
    noProxy: setting('noproxy'),
  };
}

async function queryNpm(signal?: AbortSignal): Promise<Record<string, unknown>> {
  try {
    const { stdout } = await promisify(execFile)('npm', ['config', 'list', '--json'], {
      signal,
      timeout: 20_000,
      // On Windows npm is a batch file, which requires a shell.
      shell: process.platform === 'win32',
    });
    return JSON.parse(stdout) as Record<string, unknown>;
  } catch {
    signal?.throwIfAborted();
    return {};
  }
}

function text(value: unknown): string | undefined {
  const joined = Array.isArray(value) ? value.join(',') : value;
  return typeof joined === 'string' && joined !== '' ? joined : undefined;
}
