import type { RunState } from '../data-directory.ts';

/** Where a cluster is, for whoever started it. */
export function readyText({
  server,
  kubeconfig,
  control,
}: Pick<RunState, 'server' | 'kubeconfig'> & { readonly control?: string | undefined }): string {
  const more = control === undefined ? '' : `  control: ${control}\n`;
  return `Cluster ready: ${server}\n  export KUBECONFIG=${kubeconfig}\n${more}`;
}
