import { headerNameProblems, portNameProblems, portNumberProblems } from '../names.ts';
import type { Lifecycle, LifecycleHandler, Probe, ProbeHandler } from '../types/core.v1.ts';
import type { Problems } from './problems.ts';

type AnyHandler = ProbeHandler & Pick<LifecycleHandler, 'sleep'>;

export function checkLiveness(problems: Problems, path: string, probe: Probe | undefined): void {
  if (probe !== undefined) {
    checkProbe(problems, path, probe);
    if ((probe.successThreshold ?? 0) !== 1) {
      problems.invalid(`${path}.successThreshold`, probe.successThreshold ?? 0, 'must be 1');
    }
  }
}

export function checkReadiness(problems: Problems, path: string, probe: Probe | undefined): void {
  if (probe !== undefined) {
    checkProbe(problems, path, probe);
    if (probe.terminationGracePeriodSeconds !== undefined) {
      problems.invalid(
        `${path}.terminationGracePeriodSeconds`,
        probe.terminationGracePeriodSeconds,
        'must not be set for readinessProbes',
      );
    }
  }
}

function checkProbe(problems: Problems, path: string, probe: Probe): void {
  checkHandler(problems, path, probe, undefined);
  problems.nonNegative(`${path}.initialDelaySeconds`, probe.initialDelaySeconds);
  problems.nonNegative(`${path}.timeoutSeconds`, probe.timeoutSeconds);
  problems.nonNegative(`${path}.periodSeconds`, probe.periodSeconds);
  problems.nonNegative(`${path}.successThreshold`, probe.successThreshold);
  problems.nonNegative(`${path}.failureThreshold`, probe.failureThreshold);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    problems.invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0');
  }
}

export function checkLifecycle(
  problems: Problems,
  path: string,
  lifecycle: Lifecycle | undefined,
  graceSeconds: number | undefined,
): void {
  if (lifecycle?.postStart !== undefined) {
    checkHandler(problems, `${path}.postStart`, lifecycle.postStart, graceSeconds);
  }
  if (lifecycle?.preStop !== undefined) {
    checkHandler(problems, `${path}.preStop`, lifecycle.preStop, graceSeconds);
  }
}

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function checkHandler(
  problems: Problems,
  path: string,
  handler: AnyHandler,
  graceSeconds: number | undefined,
): void {
  const [first, ...others] = HANDLERS.filter((kind) => handler[kind] !== undefined);
  if (first === undefined) {
    problems.required(path, 'must specify a handler type');
    return;
  }
  const { exec, httpGet, tcpSocket, grpc, sleep } = { [first]: handler[first] } as AnyHandler;
  if (exec !== undefined && (exec.command ?? []).length === 0) {
    problems.required(`${path}.exec.command`);
  }
  if (httpGet !== undefined) {
    if (httpGet.path === undefined || httpGet.path === '') {
      problems.required(`${path}.httpGet.path`);
    }
    checkPort(problems, `${path}.httpGet.port`, httpGet.port);
    problems.oneOf(`${path}.httpGet.scheme`, httpGet.scheme ?? '', ['HTTP', 'HTTPS']);
    for (const { name } of httpGet.httpHeaders ?? []) {
      problems.names(`${path}.httpGet.httpHeaders`, name, headerNameProblems(name));
    }
  }
  if (tcpSocket !== undefined) {
    checkPort(problems, `${path}.tcpSocket.port`, tcpSocket.port);
  }
  if (grpc !== undefined) {
    checkPort(problems, `${path}.grpc.port`, grpc.port);
  }
  if (
    sleep !== undefined &&
    graceSeconds !== undefined &&
    (sleep.seconds < 0 || sleep.seconds > graceSeconds)
  ) {
    problems.invalid(
      `${path}.sleep`,
      sleep.seconds,
      `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`,
    );
  }
  for (const kind of others) {
    problems.forbidden(`${path}.${kind}`, 'may not specify more than 1 handler type');
  }
}

/** A port's number or its name. */
export function checkPort(problems: Problems, path: string, port: number | string): void {
  if (typeof port === 'number') {
    for (const problem of portNumberProblems(port)) {
      problems.invalid(path, port, problem);
    }
  } else {
    problems.names(path, port, portNameProblems(port));
  }
}
