import type { Info } from '#api/types/version.ts';

/** The Kubernetes release whose API this is. */
export const KUBERNETES_VERSION = 'v1.36.0';

/** What `/version` answers. Clients compare `major` and `minor`; the rest says what really runs. */
export function versionInfo(): Info {
  return {
    major: '1',
    minor: '36',
    emulationMajor: '1',
    emulationMinor: '36',
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '35',
    gitVersion: `${KUBERNETES_VERSION}+coracle`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: `node ${process.versions.node}`,
    compiler: 'v8',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}
