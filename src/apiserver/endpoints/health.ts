import type { ApiResult } from './api-call.ts';

/** True while the part works. */
export type HealthCheck = () => boolean | Promise<boolean>;

/** The checks behind `/healthz`, `/livez` and `/readyz`, in the order they are listed. */
export class HealthChecks {
  readonly #checks = new Map<string, { readonly check: HealthCheck; readonly isReadyOnly: boolean }>();

  /** @param isReadyOnly the check says whether the server may get traffic, not whether it is broken */
  add(name: string, check: HealthCheck, isReadyOnly = false): void {
    this.#checks.set(name, { check, isReadyOnly });
  }

  /** Answers `ok`, or with `verbose` a line for every check. 500 when one fails. */
  async serve(
    endpoint: string,
    only: string | undefined,
    query: URLSearchParams,
  ): Promise<ApiResult | undefined> {
    const excluded = new Set(query.getAll('exclude'));
    const names = [...this.#checks].filter(
      ([name, { isReadyOnly }]) =>
        (only === undefined || name === only) && (endpoint === 'readyz' || !isReadyOnly),
    );
    if (only !== undefined && names.length === 0) {
      return undefined;
    }
    const lines: string[] = [];
    let isHealthy = true;
    for (const [name, { check }] of names) {
      const isFine = excluded.has(name) || (await check());
      isHealthy &&= isFine;
      lines.push(
        isFine
          ? `[+]${name} ${excluded.has(name) ? 'excluded: ok' : 'ok'}`
          : `[-]${name} failed: reason withheld`,
      );
    }
    const verdict = `${endpoint} check ${isHealthy ? 'passed' : 'failed'}`;
    const text = !isHealthy || query.has('verbose') ? `${lines.join('\n')}\n${verdict}\n` : 'ok';
    return { kind: 'text', code: isHealthy ? 200 : 500, contentType: 'text/plain; charset=utf-8', text };
  }
}
