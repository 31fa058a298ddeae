import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KUBERNETES_VERSION } from '#apiserver/endpoints/version.ts';
import { packageRoot } from '../package-root.ts';

export function version(): number {
  // This package's own manifest.
  const { version: own } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  process.stdout.write(`coracle ${own} (Kubernetes ${KUBERNETES_VERSION}, Node ${process.versions.node})\n`);
  return 0;
}
