import { createWriteStream } from 'node:fs';
import { lstat, mkdir, open, readdir, readlink } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, posix, relative } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createTarDecoder, createTarPacker, type TarHeader, type TarPackController } from 'modern-tar';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { fetchNamed, containerOf, firstPod } from '../pods-of.ts';
import { runRemoteCommand } from '../streams/remote-command.ts';

export const CP: Command = {
  name: 'cp',
  about: 'Copy files and directories to and from containers',
  usage: '<file-spec-src> <file-spec-dest>',
  flags: [
    { name: 'container', short: 'c', kind: 'text', about: 'Container name; the first one without it.' },
    {
      name: 'no-preserve',
      kind: 'bool',
      about: 'Do not keep owners and permissions in the container.',
    },
  ],
  run: copy,
};

/** One side of a copy; without a pod it is on this machine. */
interface FileSpec {
  readonly namespace: string;
  readonly pod: string;
  readonly path: string;
}

async function copy(invocation: Invocation): Promise<number> {
  const { args } = invocation;
  if (args.length !== 2) {
    throw new CliError('source and destination are required');
  }
  const [from, to] = args.map((arg) => fileSpec(invocation, arg));
  if (from === undefined || to === undefined) {
    throw new CliError('source and destination are required');
  }
  if (from.pod !== '' && to.pod !== '') {
    throw new CliError('one of src or dest must be a local file specification');
  }
  if (from.path === '' || to.path === '') {
    throw new CliError('filepath can not be empty');
  }
  if (from.pod !== '') {
    return copyFromPod(invocation, from, to.path);
  }
  if (to.pod !== '') {
    return copyToPod(invocation, from.path, to);
  }
  throw new CliError('one of src or dest must be a remote file specification');
}

/** `[[namespace/]pod:]path` */
function fileSpec({ session }: Invocation, text: string): FileSpec {
  const colon = text.indexOf(':');
  const path = withoutEndSlash(text.slice(colon + 1));
  if (colon < 0) {
    return { namespace: '', pod: '', path };
  }
  const pieces = text.slice(0, colon).split('/');
  const [first = '', second] = pieces;
  if (colon === 0 || pieces.length > 2) {
    throw new CliError('filespec must match the canonical format: [[namespace/]pod:]file/path');
  }
  return second === undefined
    ? { namespace: session.namespace, pod: first, path }
    : { namespace: first, pod: second, path };
}

function withoutEndSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** The place of a command: the path of `exec` and the container. */
interface Place {
  readonly path: string;
  readonly container: string;
}

async function placeOf({ session, flags }: Invocation, { namespace, pod: name }: FileSpec): Promise<Place> {
  const pod = await firstPod(session, await fetchNamed(session, name, namespace));
  return {
    path: `/api/v1/namespaces/${namespace}/pods/${name}/exec`,
    container: containerOf(session, pod, flags.text('container')),
  };
}

interface Streams {
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
}

async function run(
  { session }: Invocation,
  { path, container }: Place,
  command: readonly string[],
  { stdin, stdout = discarded(), stderr = discarded() }: Streams,
): Promise<number> {
  return runRemoteCommand(session.client, {
    path,
    query: { command, container, stdin: stdin === undefined ? '' : 'true', stdout: 'true', stderr: 'true' },
    ...(stdin === undefined ? {} : { stdin }),
    stdout,
    stderr,
    signal: session.signal,
  });
}

function discarded(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

async function copyToPod(invocation: Invocation, from: string, to: FileSpec): Promise<number> {
  const { session, io, flags } = invocation;
  const stat = await lstat(from).catch(() => undefined);
  if (stat === undefined) {
    throw new CliError(`${from} doesn't exist in local filesystem`);
  }
  const place = await placeOf(invocation, to);
  const isDirectory = (await run(invocation, place, ['test', '-d', to.path], {})) === 0;
  const target = isDirectory ? posix.join(to.path, basename(from)) : to.path;
  const { readable, controller } = createTarPacker();
  const packed = pack(controller, from, posix.basename(target)).then(
    () => controller.finalize(),
    (error: unknown) => controller.error(error),
  );
  const command = [
    'tar',
    ...(flags.bool('no-preserve') ? ['--no-same-permissions', '--no-same-owner'] : []),
    '-xmf',
    '-',
    '-C',
    posix.dirname(target),
  ];
  // The web stream of the archive is one of Node's.
  const stdin = Readable.fromWeb(readable as Parameters<typeof Readable.fromWeb>[0]);
  let code: number;
  try {
    code = await run(invocation, place, command, { stdin, stdout: io.stdout, stderr: io.stderr });
  } finally {
    // A command that ended early reads no more, and the archive would wait for it.
    stdin.destroy();
  }
  await packed;
  return ended(session.printError.bind(session), code);
}

function ended(print: (text: string) => void, code: number): number {
  if (code !== 0) {
    print(`command terminated with exit code ${code}\n`);
  }
  return code;
}

/** Adds a file, or a directory with all that is in it. */
async function pack(controller: TarPackController, path: string, name: string): Promise<void> {
  const stat = await lstat(path);
  const header = {
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
    mtime: stat.mtime,
  };
  if (stat.isDirectory()) {
    const entries = await readdir(path);
    if (entries.length === 0) {
      await add(controller, { ...header, name: `${name}/`, size: 0, type: 'directory' });
    }
    for (const entry of entries.toSorted()) {
      await pack(controller, join(path, entry), posix.join(name, entry));
    }
  } else if (stat.isSymbolicLink()) {
    await add(controller, { ...header, name, size: 0, type: 'symlink', linkname: await readlink(path) });
  } else if (stat.isFile() && stat.size === 0) {
    await add(controller, { ...header, name, size: 0, type: 'file' });
  } else if (stat.isFile()) {
    await using file = await open(path);
    const body = controller.add({ ...header, name, size: stat.size, type: 'file' });
    // A file that grows is cut where its header says that it ends.
    await pipeline(file.createReadStream({ autoClose: false, end: stat.size - 1 }), Writable.fromWeb(body));
  }
}

async function add(controller: TarPackController, header: TarHeader): Promise<void> {
  await controller.add(header).close();
}

async function copyFromPod(invocation: Invocation, from: FileSpec, to: string): Promise<number> {
  const { session, io } = invocation;
  const place = await placeOf(invocation, from);
  const archive = new PassThrough();
  const running = run(invocation, place, ['tar', 'cf', '-', from.path], {
    stdout: archive,
    stderr: io.stderr,
  }).finally(() => archive.end());
  // `tar` leaves the slash at the front away.
  const prefix = withoutShortcuts(posix.normalize(from.path.replace(/^\/+/, '')));
  const [code] = await Promise.all([running, extract(invocation, archive, { from, prefix, to })]);
  return ended(session.printError.bind(session), code);
}

/** Steps out of the directory are left away. */
function withoutShortcuts(path: string): string {
  const inner = path.replace(/^(?:\.\.\/)+/, '');
  return inner === '.' || inner === '..' ? '' : inner;
}

interface Extraction {
  readonly from: FileSpec;
  /** What every name in the archive begins with. */
  readonly prefix: string;
  readonly to: string;
}

async function extract(
  { session }: Invocation,
  archive: Readable,
  { from, prefix, to }: Extraction,
): Promise<void> {
  let isWarned = false;
  const entries = Readable.toWeb(archive).pipeThrough(createTarDecoder());
  for await (const { header, body } of entries) {
    if (!header.name.startsWith(prefix)) {
      throw new CliError('tar contents corrupted');
    }
    const path = join(to, header.name.slice(prefix.length));
    const inside = relative(to, path);
    if (inside.startsWith('..') || isAbsolute(inside)) {
      session.printError(`warning: file ${JSON.stringify(path)} is outside target destination, skipping\n`);
      await body.cancel();
    } else if (header.type === 'directory') {
      await mkdir(path, { recursive: true, mode: 0o755 });
      await body.cancel();
    } else if (header.type === 'symlink') {
      const hint = isWarned
        ? ''
        : ` (consider using "kubectl exec -n ${JSON.stringify(from.namespace)} ${JSON.stringify(from.pod)} -- tar cf - ${JSON.stringify(from.path)} | tar xf -")`;
      session.printError(
        `warning: skipping symlink: ${JSON.stringify(path)} -> ${JSON.stringify(header.linkname ?? '')}${hint}\n`,
      );
      isWarned = true;
      await body.cancel();
    } else {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await pipeline(
        Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]),
        createWriteStream(path),
      );
    }
  }
}
