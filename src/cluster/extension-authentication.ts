import { X509Certificate } from 'node:crypto';
import { isNotFound } from '#api/status-error.ts';
import type { ConfigMap } from '#api/types/core.v1.ts';
import { CONFIG_MAP } from '#api/types/resources.ts';
import { isDeepStrictEqual } from 'node:util';
import { pemDecode, pemEncode } from '#base/x509/pem.ts';
import type { Clock } from '#base/clock.ts';
import type { Client } from '#client/client.ts';

const NAMESPACE = 'kube-system';
const NAME = 'extension-apiserver-authentication';
/** Authorities that ran out longer ago than this are taken out; clocks of hosts differ. */
const EXPIRY_SLACK_MS = 5 * 60_000;

export interface ExtensionAuthentication {
  /** Signs the certificates of ordinary clients. */
  readonly clientAuthorityPem: string;
  /** Signs the certificate by which the API server shows itself. */
  readonly frontProxyAuthorityPem: string;
}

/** By which headers and names the API server passes on who asks. */
const REQUEST_HEADERS: Readonly<Record<string, readonly string[]>> = {
  'requestheader-username-headers': ['X-Remote-User'],
  'requestheader-uid-headers': ['X-Remote-Uid'],
  'requestheader-group-headers': ['X-Remote-Group'],
  'requestheader-extra-headers-prefix': ['X-Remote-Extra-'],
  'requestheader-allowed-names': ['front-proxy-client'],
};

/**
 * Keeps `kube-system/extension-apiserver-authentication`, from which extension API servers learn whom to trust. What
 * another API server of the cluster has written stays beside it.
 */
export async function reconcileExtensionAuthentication(
  client: Client,
  trusted: ExtensionAuthentication,
  clock: Clock,
): Promise<void> {
  const current = await find(client);
  const data = mergedData(current?.data ?? {}, trusted, clock.nowMs());
  if (current === undefined) {
    await client.of(CONFIG_MAP).create({ metadata: { namespace: NAMESPACE, name: NAME }, data });
  } else if (!isDeepStrictEqual({ ...current.data }, data)) {
    await client.of(CONFIG_MAP).update({ ...current, data });
  }
}

async function find(client: Client): Promise<ConfigMap | undefined> {
  try {
    return await client.of(CONFIG_MAP).get(NAMESPACE, NAME);
  } catch (error) {
    if (isNotFound(error)) {
      return undefined;
    }
    throw error;
  }
}

/** What is there and what is wanted, each value once. */
export function mergedData(
  current: Readonly<Record<string, string>>,
  { clientAuthorityPem, frontProxyAuthorityPem }: ExtensionAuthentication,
  nowMs: number,
): Record<string, string> {
  const lists = Object.entries(REQUEST_HEADERS).map(([key, wanted]) => {
    const known = listIn(current[key]);
    return [key, JSON.stringify([...new Set([...known, ...wanted])])] as const;
  });
  return {
    'client-ca-file': mergedAuthorities(current['client-ca-file'] ?? '', clientAuthorityPem, nowMs),
    'requestheader-client-ca-file': mergedAuthorities(
      current['requestheader-client-ca-file'] ?? '',
      frontProxyAuthorityPem,
      nowMs,
    ),
    ...Object.fromEntries(lists),
  };
}

function listIn(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') {
    return [];
  }
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.map(String) : [];
}

function mergedAuthorities(known: string, wanted: string, nowMs: number): string {
  const certificates = [...pemDecode(known), ...pemDecode(wanted)].filter(
    ({ der }) => new X509Certificate(der).validToDate.getTime() > nowMs - EXPIRY_SLACK_MS,
  );
  return [...new Set(certificates.map(({ label, der }) => pemEncode(label, der)))].join('');
}
