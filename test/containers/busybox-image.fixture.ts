import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { packTar, type TarEntry } from 'modern-tar';
import { findProgram } from '#runtime/oci/check-host.ts';
import { hostPlatform, MediaType } from '#runtime/oci/image-manifest.ts';
import { digestOf, type TestRegistry } from './registry.fixture.ts';

/** Waits for the end, and ends at once when it is told to: a shell that only slept would sit out its grace period. */
const IDLE = `#!/bin/sh
trap 'exit 0' TERM INT
sleep 1000000 &
wait
`;

/** A web server on `$PORT` (80) that says its `$VERSION`. */
const WEB = `#!/bin/sh
mkdir -p /www
echo "version \${VERSION:-none} of $(hostname)" > /www/index.html
exec httpd -f -p "\${PORT:-80}" -h /www
`;

/** A small system of BusyBox alone: a shell, the usual tools, `/bin/idle` and `/bin/web`. */
export class BusyboxImage {
  readonly #registry: TestRegistry;
  readonly #layer: Buffer;

  private constructor(registry: TestRegistry, layer: Buffer) {
    this.#registry = registry;
    this.#layer = layer;
  }

  static async create(registry: TestRegistry): Promise<BusyboxImage> {
    return new BusyboxImage(registry, await createLayer());
  }

  /** Serves the system as `path:tag`, running one program. */
  serve(path: string, tag: string, command: readonly string[]): void {
    const config = Buffer.from(
      JSON.stringify({
        ...hostPlatform(),
        config: { Cmd: command, Env: ['PATH=/bin', 'HOME=/root'], WorkingDir: '/' },
        rootfs: { type: 'layers', diff_ids: [digestOf(this.#layer)] },
      }),
    );
    const document = {
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: this.#registry.blob(config, MediaType.ociConfig),
      layers: [this.#registry.blob(this.#layer, MediaType.ociLayer)],
    };
    this.#registry.manifest(`${path}:${tag}`, document, MediaType.ociManifest);
  }
}

async function createLayer(): Promise<Buffer> {
  const busybox = findProgram('busybox') ?? '';
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => /^[\w-]+$/.test(name) && name !== 'busybox');
  const entries = [
    directory('tmp', 0o1777),
    directory('root', 0o700),
    file('bin/busybox', readFileSync(busybox), 0o755),
    ...librariesOf(busybox).map((path) => file(path.slice(1), readFileSync(realpathSync(path)), 0o755)),
    ...applets.map((name) => ({
      header: { name: `bin/${name}`, size: 0, type: 'symlink' as const, linkname: 'busybox' },
    })),
    file('bin/idle', IDLE, 0o755),
    file('bin/web', WEB, 0o755),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n', 0o644),
    file('etc/group', 'root:x:0:\n', 0o644),
  ];
  return Buffer.from(await packTar(entries));
}

/** Shared libraries of a program; none for a static one. */
function librariesOf(program: string): string[] {
  const { stdout } = spawnSync('ldd', [program], { encoding: 'utf8' });
  return [...(stdout ?? '').matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap(([, path]) => path ?? []);
}

function directory(name: string, mode: number): TarEntry {
  return { header: { name: `${name}/`, size: 0, mode, type: 'directory' } };
}

function file(name: string, content: string | Buffer, mode: number): TarEntry {
  const bytes = Buffer.from(content);
  return { header: { name, size: bytes.length, mode, type: 'file' }, body: bytes };
}
