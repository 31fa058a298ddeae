import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '#base/clock.ts';
import { SILENT_LOGGER } from '#base/log.ts';
import { SystemRandom } from '#base/random.ts';
import type { ContainerConfig, NamespaceOption, PodSandboxConfig } from '#runtime/cri.ts';
import { checkHost, findProgram } from '#runtime/oci/check-host.ts';
import { OciRuntime, type OciRuntimeOptions } from '#runtime/oci/oci-runtime.ts';

export const IMAGE = 'local/busybox:1';

const APT = '/usr/bin/apt-get';

/** Why real containers cannot be tested here; undefined when they can. Installs what a package can bring. */
export function whyNoContainers(): string | undefined {
  installMissing();
  const check = checkHost();
  if (check.kind === 'lacking') {
    return `real containers need ${check.problems.map(({ what }) => what).join(', ')}`;
  }
  return findProgram('busybox') === undefined ? 'the test image needs the package busybox-static' : undefined;
}

function installMissing(): void {
  const check = checkHost();
  const programs =
    check.kind === 'lacking' ? check.problems.flatMap(({ aptPackage }) => aptPackage ?? []) : [];
  const packages = [...programs, ...(findProgram('busybox') === undefined ? ['busybox-static'] : [])];
  if (packages.length === 0 || process.geteuid?.() !== 0 || !existsSync(APT)) {
    return;
  }
  process.stderr.write(`installing ${packages.join(' ')} for the tests of real containers\n`);
  const options = ['-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'];
  // What could not be installed is then named as the reason to skip.
  spawnSync(APT, ['update', '-qq'], { stdio: 'ignore' });
  spawnSync(APT, ['install', ...options, ...packages], { stdio: 'ignore' });
}

/** Shared libraries of a program, for an image to have them too; none for a static one. */
function librariesOf(program: string): string[] {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  return [...(stdout ?? '').matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap(([, path]) => path ?? []);
}

/** A runtime instance of its own, and the means to make pods in it. */
export class OciFixture {
  readonly options: OciRuntimeOptions;
  readonly directory: string;
  runtime: OciRuntime;

  private constructor(directory: string, options: OciRuntimeOptions, runtime: OciRuntime) {
    this.directory = directory;
    this.options = options;
    this.runtime = runtime;
  }

  static async open(instance: string, podCidr: string): Promise<OciFixture> {
    const check = checkHost();
    assert.ok(check.kind === 'ready');
    // Always the same: the next run must find what a killed one left.
    const directory = join(tmpdir(), `coracle-oci-${instance}`);
    const options: OciRuntimeOptions = {
      instance,
      dataDir: join(directory, 'data'),
      programs: check.programs,
      podCidr,
      clock: new SystemClock(),
      random: new SystemRandom(),
      log: SILENT_LOGGER,
    };
    // An earlier run of the same test may have been killed.
    await OciRuntime.destroy(options);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    return new OciFixture(directory, options, await OciRuntime.open(options));
  }

  async buildImage(): Promise<void> {
    const busybox = findProgram('busybox') ?? '';
    await this.runtime.images.build({
      name: IMAGE,
      files: [
        { path: 'bin/busybox', fromHost: busybox },
        ...librariesOf(busybox).map((path) => ({ path, fromHost: realpathSync(path) })),
        ...[
          'sh',
          'cat',
          'sleep',
          'stty',
          'nc',
          'ps',
          'dd',
          'id',
          'tail',
          'ls',
          'ipcs',
          'env',
          'hostname',
        ].map((name) => ({ path: `bin/${name}`, linkTo: 'busybox' })),
        {
          path: 'etc/passwd',
          content: 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/home/web:/bin/sh\n',
        },
        { path: 'etc/group', content: 'root:x:0:\nweb:x:1000:\nextra:x:2000:web\n' },
        { path: 'tmp', directory: true, mode: 0o1777 },
      ],
      config: { Cmd: ['/bin/sh'], Env: ['PATH=/bin', 'FROM_IMAGE=yes'], WorkingDir: '/tmp' },
    });
  }

  /** Lets go of the runtime as a crash would, and opens it anew. */
  async reopen(): Promise<void> {
    await this.runtime.close();
    this.runtime = await OciRuntime.open(this.options);
  }

  async destroy(): Promise<void> {
    await this.runtime.destroyAll();
    rmSync(this.directory, { recursive: true, force: true });
  }

  pod(
    name: string,
    more: Partial<PodSandboxConfig> = {},
    namespaces: Partial<NamespaceOption> = {},
  ): PodSandboxConfig {
    const namespaceOptions: NamespaceOption = { network: 'pod', pid: 'container', ipc: 'pod', ...namespaces };
    return {
      metadata: { name, uid: `uid-${name}`, namespace: 'test', attempt: 0 },
      hostname: name,
      logDirectory: join(this.directory, 'logs', name),
      labels: {},
      annotations: {},
      linux: { cgroupParent: `/kubepods/pod-${name}`, securityContext: { namespaceOptions } },
      ...more,
    };
  }

  container(pod: PodSandboxConfig, script: string, more: Partial<ContainerConfig> = {}): ContainerConfig {
    return {
      metadata: { name: 'main', attempt: 0 },
      image: { image: IMAGE },
      command: ['/bin/sh', '-c', script],
      envs: [],
      mounts: [],
      labels: {},
      annotations: {},
      logPath: `${more.metadata?.name ?? 'main'}.log`,
      linux: {
        resources: {},
        securityContext: { namespaceOptions: pod.linux.securityContext.namespaceOptions },
      },
      ...more,
    };
  }

  /** Runs one container in a pod of its own. */
  async run(
    name: string,
    script: string,
    more: Partial<ContainerConfig> = {},
    namespaces: Partial<NamespaceOption> = {},
  ): Promise<{ readonly pod: PodSandboxConfig; readonly podId: string; readonly id: string }> {
    const pod = this.pod(name, {}, namespaces);
    const podId = await this.runtime.runPodSandbox(pod);
    const id = await this.start(podId, pod, script, more);
    return { pod, podId, id };
  }

  async start(
    podId: string,
    pod: PodSandboxConfig,
    script: string,
    more: Partial<ContainerConfig> = {},
  ): Promise<string> {
    const id = await this.runtime.createContainer(podId, this.container(pod, script, more));
    await this.runtime.startContainer(id);
    return id;
  }

  /** Waits for the end of a container. */
  async ended(id: string): Promise<{ readonly exitCode: number | undefined; readonly reason: string }> {
    await this.until(async () => (await this.runtime.containerStatus(id)).state === 'exited');
    const { exitCode, reason } = await this.runtime.containerStatus(id);
    return { exitCode, reason };
  }

  /** What the container wrote, without the log's own words. */
  async log(id: string): Promise<string> {
    const { logPath } = await this.runtime.containerStatus(id);
    return readFileSync(logPath, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ').slice(3).join(' '))
      .join('\n');
  }

  /** Waits until a condition holds, for 10 seconds at most. */
  async until(condition: () => Promise<boolean>): Promise<void> {
    const { clock } = this.options;
    const endMs = clock.monotonicMs() + 10_000;
    while (!(await condition())) {
      assert.ok(clock.monotonicMs() < endMs, 'the condition never held');
      await clock.sleep(10);
    }
  }
}

/** Everything of an instance that can be left behind on a host. */
export function leftovers(instance: string): readonly string[] {
  const lines = (program: string, ...args: string[]): string[] =>
    execFileSync(program, args, { encoding: 'utf8' }).split('\n');
  const hierarchies = readdirSync('/sys/fs/cgroup', { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  const cgroups = ['', ...hierarchies.map(({ name }) => name)].filter((name) =>
    existsSync(join('/sys/fs/cgroup', name, `coracle-${instance}`)),
  );
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' '))
    .filter((command) => command.includes(`/run/coracle/${instance}/`));
  return [
    ...readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`coracle/${instance}/`)),
    ...lines(findProgram('nft') ?? 'nft', 'list', 'tables').filter((line) =>
      new RegExp(`\\bcoracle[_-]${instance}(?:_|$)`).test(line),
    ),
    ...readdirSync('/sys/class/net').filter((name) => name === `cor${instance}`),
    ...cgroups.map((name) => `cgroup ${name}`),
    ...processes,
    ...(existsSync(`/run/coracle/${instance}`) ? [`/run/coracle/${instance}`] : []),
  ];
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process has ended since the listing.
  }
}
