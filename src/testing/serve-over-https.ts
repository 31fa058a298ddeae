import { SystemClock } from '#base/clock.ts';
import { SystemRandom } from '#base/random.ts';
import { CertificateAuthority } from '#base/x509/certificate-authority.ts';
import { kubeconfigYaml } from '#cluster/pki/kubeconfig-file.ts';
import { testAuthority, type ClusterLife } from './cluster-life.ts';
import { disturbBy, type ServedListener } from './disturb.ts';

/** The administrator's name. */
const USER = 'kubernetes-admin';

/**
 * Opens an HTTPS port on 127.0.0.1 for a life of a cluster, and says who may come in.
 *
 * @param wantedPort 0 for any free one
 * @throws {Error} `EADDRINUSE` when the port is taken
 */
export async function serveOverHttps(
  life: ClusterLife,
  wantedPort: number,
  onRequest: ServedListener | undefined,
): Promise<{ readonly port: number; readonly kubeconfig: string }> {
  const { base, clock, faults } = life;
  const { certificatePem, keyPem } = testAuthority();
  const random = new SystemRandom();
  // Clients judge the server by the real time, the server judges clients by its own.
  const forServer = new CertificateAuthority(
    { certificatePem, keyPem },
    { clock: new SystemClock(), random },
  );
  const forClients = new CertificateAuthority({ certificatePem, keyPem }, { clock, random });
  const serving = forServer.issue({
    subject: { commonName: 'kube-apiserver', organizations: [] },
    extendedKeyUsages: ['serverAuth'],
    altNames: { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
  });
  const host = '127.0.0.1';
  const port = await base.plane.server.listen({
    host,
    port: wantedPort,
    cert: serving.certificatePem,
    key: serving.keyPem,
    clientCa: certificatePem,
    advertise: host,
    disturb: disturbBy(faults, onRequest),
    trafficClock: new SystemClock(),
  });
  const credential = forClients.issue({
    subject: { commonName: USER, organizations: ['system:masters'] },
    extendedKeyUsages: ['clientAuth'],
  });
  const kubeconfig = kubeconfigYaml({
    clusterName: 'coracle-test',
    server: `https://${host}:${port}`,
    authorityPem: certificatePem,
    userName: USER,
    credential,
  });
  return { port, kubeconfig };
}
