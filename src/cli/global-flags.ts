import type { Flag } from './flags.ts';

/** Flags that every verb takes. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  { name: 'as', kind: 'text', about: 'Username to impersonate for the operation.' },
  { name: 'as-group', kind: 'array', about: 'Group to impersonate for the operation; may be repeated.' },
  { name: 'as-uid', kind: 'text', about: 'UID to impersonate for the operation.' },
  { name: 'cache-dir', kind: 'text', about: 'Accepted and not used: nothing is cached.' },
  { name: 'certificate-authority', kind: 'text', about: 'Path to a file with the authorities to trust.' },
  { name: 'client-certificate', kind: 'text', about: 'Path to a client certificate file for TLS.' },
  { name: 'client-key', kind: 'text', about: 'Path to a client key file for TLS.' },
  { name: 'cluster', kind: 'text', about: 'The name of the kubeconfig cluster to use.' },
  { name: 'context', kind: 'text', about: 'The name of the kubeconfig context to use.' },
  { name: 'disable-compression', kind: 'bool', about: 'Accepted; answers are never compressed.' },
  {
    name: 'insecure-skip-tls-verify',
    kind: 'bool',
    about: "Do not check the server's certificate. This makes the connection insecure.",
  },
  { name: 'kubeconfig', kind: 'text', about: 'Path to the kubeconfig file to use.' },
  { name: 'match-server-version', kind: 'bool', about: 'Require the server version to be the same.' },
  { name: 'namespace', short: 'n', kind: 'text', about: 'The namespace scope of this request.' },
  { name: 'password', kind: 'text', about: 'Password for basic authentication.' },
  {
    name: 'request-timeout',
    kind: 'text',
    initial: '0',
    about: 'How long to wait for one answer (1s, 2m, 3h); 0 waits without end.',
  },
  { name: 'server', short: 's', kind: 'text', about: 'The address and port of the API server.' },
  { name: 'tls-server-name', kind: 'text', about: "The name to check the server's certificate against." },
  { name: 'token', kind: 'text', about: 'Bearer token for authentication.' },
  { name: 'user', kind: 'text', about: 'The name of the kubeconfig user to use.' },
  { name: 'username', kind: 'text', about: 'Username for basic authentication.' },
  { name: 'v', short: 'v', kind: 'text', about: 'Accepted and not used: number for the log level.' },
  { name: 'vmodule', kind: 'text', about: 'Accepted and not used.' },
  { name: 'warnings-as-errors', kind: 'bool', about: 'Treat warnings of the server as errors.' },
];

export const HELP_FLAG: Flag = { name: 'help', short: 'h', kind: 'bool', about: 'Print this help.' };
