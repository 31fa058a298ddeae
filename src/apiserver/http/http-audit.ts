import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { attemptedCredentials } from '../audit/attempted-credentials.ts';
import type { Auditor } from '../audit/auditor.ts';
import { sourceIps } from '../audit/source-ips.ts';
import { headerOf, type UserInfo } from '../authn/user.ts';
import type { RequestInfo } from '../request-info.ts';

type Request = IncomingMessage | Http2ServerRequest;

interface Arrival {
  readonly auditId: string;
  readonly info: RequestInfo;
  readonly receivedMs: number;
}

/** The name that the client gave its request, to be found by in the audit log; undefined when it gave none. */
export function givenAuditId({ headers }: Request): string | undefined {
  return headerOf({ headers }, 'audit-id') || undefined;
}

/** Starts the record of a request from outside; undefined when nothing of it is recorded. */
export function recordRequest(
  auditor: Auditor,
  request: Request,
  arrival: Arrival & { readonly user: UserInfo },
): AuditTrail | undefined {
  const trail = auditor.begin({ ...arrival, ...headOf(request) });
  trail?.received();
  return trail;
}

/** Records a request whose credential was not good. */
export function recordStranger(auditor: Auditor, request: Request, arrival: Arrival): void {
  const query = /\?(.*)$/.exec(request.url ?? '')?.[1] ?? '';
  const certificate = (request.socket as TLSSocket).getPeerX509Certificate?.();
  auditor
    .begin({ ...arrival, ...headOf(request), user: undefined })
    ?.unauthenticated(attemptedCredentials(request.headers, query, certificate !== undefined));
}

function headOf(request: Request): {
  readonly uri: string;
  readonly userAgent: string;
  readonly sourceIps: readonly string[];
} {
  return {
    uri: request.url ?? '/',
    userAgent: request.headers['user-agent'] ?? '',
    sourceIps: sourceIps(request.headers, request.socket.remoteAddress),
  };
}
