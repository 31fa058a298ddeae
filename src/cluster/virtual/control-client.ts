import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { loadKubeconfig } from '#client/kubeconfig.ts';
import type { DataDirectory } from '../data-directory.ts';
import { SnapshotError } from '../snapshot.ts';

/** Has a running virtual cluster write itself into its data directory. @throws {SnapshotError} it could not */
export async function saveRunning(cluster: DataDirectory, control: string): Promise<void> {
  const { ca, cert, key } = loadKubeconfig(cluster.kubeconfig);
  const request = httpsRequest(`${control}/v1/save`, { method: 'POST', ca, cert, key, agent: false });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const answer = await text(response);
  if (response.statusCode !== 200) {
    throw new SnapshotError(`the cluster could not be written down: ${answer.trim()}`);
  }
}
