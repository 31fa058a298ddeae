import { StatusError } from '#api/status-error.ts';
import { ConnectionError } from '#client/transport.ts';
import { KubeconfigError } from '#client/kubeconfig.ts';
import { CliError } from './cli-error.ts';

/** What is printed for a failure, with its line end, and the code the program ends with. */
export interface Failure {
  readonly text: string;
  readonly exitCode: number;
}

/** Words a failure as users of kubectl know it. Errors that are no expected failure are thrown on. */
export function failureOf(error: unknown, server: () => string): Failure {
  if (error instanceof CliError) {
    const { message, exitCode, isVerbatim } = error;
    if (message === '') {
      return { text: '', exitCode };
    }
    return { text: isVerbatim ? `${message}\n` : `error: ${message}\n`, exitCode };
  }
  if (error instanceof StatusError) {
    return { text: `${statusText(error)}\n`, exitCode: 1 };
  }
  if (error instanceof ConnectionError) {
    return { text: `${connectionText(error, server())}\n`, exitCode: 1 };
  }
  if (error instanceof KubeconfigError || isSystemError(error)) {
    return { text: `error: ${causesText(error)}\n`, exitCode: 1 };
  }
  throw error;
}

/** `Error from server (NotFound): pods "x" not found`. */
export function statusText(error: StatusError): string {
  if (error.reason === 'Unauthorized') {
    return 'error: You must be logged in to the server (Unauthorized)';
  }
  if (error.reason === 'Invalid') {
    const causes = error.details?.causes ?? [];
    const { kind = '', name = '' } = error.details ?? {};
    if (kind !== '' && causes.length > 0) {
      const lines = causes.map(({ field = '', message = '' }) =>
        field === '' ? message : `${field}: ${message}`,
      );
      const list =
        lines.length === 1 ? ` ${lines[0] ?? ''}` : `\n${lines.map((line) => `* ${line}`).join('\n')}`;
      return `The ${kind} ${JSON.stringify(name)} is invalid:${list}`;
    }
    return kind === ''
      ? `The request is invalid: ${error.message}`
      : `The ${kind} ${JSON.stringify(name)} is invalid: ${error.message}`;
  }
  return error.reason === ''
    ? `Error from server: ${error.message}`
    : `Error from server (${error.reason}): ${error.message}`;
}

function connectionText(error: ConnectionError, server: string): string {
  const code = systemCode(error.cause);
  const { host } = new URL(server);
  switch (code) {
    case 'ECONNREFUSED':
      return `The connection to the server ${host} was refused - did you specify the right host or port?`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `Unable to connect to the server: dial tcp: lookup ${new URL(server).hostname}: no such host`;
    case 'ETIMEDOUT':
      return `Unable to connect to the server: dial tcp ${host}: i/o timeout`;
    default:
      return `Unable to connect to the server: ${causesText(error.cause ?? error)}`;
  }
}

function systemCode(cause: unknown): string {
  if (cause instanceof AggregateError) {
    return systemCode(cause.errors[0]);
  }
  return isSystemError(cause) ? cause.code : '';
}

function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^(?:E[A-Z]+|ERR_|[A-Z_]+$)/.test(error.code)
  );
}

function causesText(error: unknown): string {
  const texts: string[] = [];
  for (let current = error; current instanceof Error; current = current.cause) {
    texts.push(current.message);
  }
  return texts.join(': ');
}
