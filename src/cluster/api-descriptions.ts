import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import type { DescriptionFile } from '#apiserver/openapi/descriptions.ts';
import type { Logger } from '#base/log.ts';
import { packageRoot } from './package-root.ts';

const FILE = 'api-descriptions.json.br';
const TYPINGS = 'node_modules/@kubernetes/client-node';

/**
 * What is known of the built-in kinds' fields. The package brings it along; in a clone it is made the first time that
 * somebody asks. Without it everything works, and nothing is described.
 */
export async function loadApiDescriptions(log: Logger): Promise<DescriptionFile> {
  try {
    const bytes = await readFile(await descriptionFile());
    const text = await promisify(brotliDecompress)(bytes);
    // Our own build wrote it.
    return JSON.parse(text.toString()) as DescriptionFile;
  } catch (error) {
    log.warn('kinds are served without descriptions', { error: String(error) });
    return {};
  }
}

async function descriptionFile(): Promise<string> {
  const root = packageRoot();
  const tool = join(root, 'tools/api-descriptions.ts');
  if (!existsSync(tool)) {
    return join(root, 'dist', FILE);
  }
  const { version } = JSON.parse(await readFile(join(root, TYPINGS, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const cached = join(root, 'node_modules/.cache/coracle', `${version}-${FILE}`);
  if (!existsSync(cached)) {
    await promisify(execFile)(process.execPath, [tool, cached]);
  }
  return cached;
}
