import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandRunner } from '#base/command.ts';
import type { BuildImageOptions, ImageFile } from '#runtime/oci/image-builder.ts';

export const EXAMPLE_IMAGE = 'coracle.local/hello:1';

/** Programs of the host that make a look around in the container, and `kubectl cp`, possible. */
const TOOLS = [
  'sh',
  'ls',
  'cat',
  'sleep',
  'tar',
  'env',
  'id',
  'hostname',
  'echo',
  'mkdir',
  'rm',
  'head',
  'tail',
  'wc',
  'date',
  'stty',
  'ps',
  'kill',
];
const TOOL_DIRECTORIES = ['/bin', '/usr/bin'];

/**
 * What the example's image is made of: the Node this program runs on, a few tools of the host, and the
 * libraries they need. So the example runs real containers without any registry.
 *
 * @param serverPath the example's `server.mjs`
 */
export async function exampleImage(commands: CommandRunner, serverPath: string): Promise<BuildImageOptions> {
  const node = realpathSync(process.execPath);
  const tools = TOOLS.flatMap((name) => {
    const found = TOOL_DIRECTORIES.map((directory) => join(directory, name)).find((path) => existsSync(path));
    return found === undefined ? [] : [{ name, path: realpathSync(found) }];
  });
  const libraries = new Set<string>();
  for (const path of [node, ...tools.map((tool) => tool.path)]) {
    for (const library of await librariesOf(commands, path)) {
      libraries.add(library);
    }
  }
  const files: ImageFile[] = [
    { path: '/usr/bin/node', fromHost: node },
    ...tools.map(({ name, path }) => ({ path: `/bin/${name}`, fromHost: path })),
    ...[...libraries].toSorted().map((path) => ({ path, fromHost: realpathSync(path) })),
    { path: '/app/server.mjs', content: readFileSync(serverPath) },
    {
      path: '/etc/passwd',
      content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n',
    },
    { path: '/etc/group', content: 'root:x:0:\nnogroup:x:65534:\n' },
    { path: '/tmp', directory: true, mode: 0o1777 },
    { path: '/root', directory: true, mode: 0o700 },
  ];
  return {
    name: EXAMPLE_IMAGE,
    files,
    config: {
      Cmd: ['/usr/bin/node', '/app/server.mjs'],
      Env: ['PATH=/bin:/usr/bin', 'HOME=/root'],
      WorkingDir: '/',
    },
  };
}

/** The shared libraries of a program, by the paths the loader looks for them at; none for a static one. */
async function librariesOf(commands: CommandRunner, program: string): Promise<readonly string[]> {
  const output = await commands.run(['ldd', program]).catch(() => '');
  return [...output.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap((match) =>
    match[1] === undefined ? [] : [match[1]],
  );
}
