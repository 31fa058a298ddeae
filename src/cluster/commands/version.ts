import { KUBERNETES_VERSION } from '#apiserver/endpoints/version.ts';
import packageJson from '../../../package.json' with { type: 'json' };

export function version(): number {
  process.stdout.write(
    `coracle ${packageJson.version} (Kubernetes ${KUBERNETES_VERSION}, Node ${process.versions.node})\n`,
  );
  return 0;
}
