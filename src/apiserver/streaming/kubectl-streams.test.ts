import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import { CommandError, SystemCommands } from '#base/command.ts';
import { startShouter, startStreamServer } from './streaming.fixture.ts';

const unfit = await new SystemCommands().run(['kubectl', 'version', '--client']).then(
  () => false as const,
  (error: unknown) => {
    assert.ok(error instanceof CommandError);
    return 'kubectl is not on PATH';
  },
);

interface Kubectl extends AsyncDisposable {
  start(...args: readonly string[]): ChildProcess;
  run(
    args: readonly string[],
    input?: string,
  ): Promise<{ readonly out: string; readonly err: string; readonly code: number }>;
}

/** @param transport `spdy` turns off what newer versions of kubectl prefer */
async function kubectlFor(port: number, transport: 'websocket' | 'spdy'): Promise<Kubectl> {
  const cache = await mkdtemp(join(tmpdir(), 'coracle-kubectl-'));
  const isWebSocket = String(transport === 'websocket');
  const start = (...args: readonly string[]): ChildProcess =>
    spawn(
      'kubectl',
      [`--server=http://127.0.0.1:${port}`, `--cache-dir=${cache}`, '--kubeconfig=/dev/null', ...args],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: {
          ...process.env,
          KUBECTL_REMOTE_COMMAND_WEBSOCKETS: isWebSocket,
          KUBECTL_PORT_FORWARD_WEBSOCKETS: isWebSocket,
        },
      },
    );
  return {
    start,
    run: async (args, input = '') => {
      const child = start(...args);
      assert.ok(child.stdin && child.stdout && child.stderr);
      child.stdin.end(input);
      const output = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
      const [out, err, [code]] = await output;
      return { out, err, code: Number(code) };
    },
    [Symbol.asyncDispose]: () => rm(cache, { recursive: true, force: true }),
  };
}

for (const transport of ['websocket', 'spdy'] as const) {
  test(
    `kubectl over ${transport}: exec brings output, errors, input and the exit code`,
    { skip: unfit },
    async () => {
      await using server = await startStreamServer();
      await using kubectl = await kubectlFor(server.port, transport);
      assert.deepEqual(await kubectl.run(['exec', 'web', '--', 'say', 'hello', 'oops', '3']), {
        out: 'hello',
        err: 'oopscommand terminated with exit code 3\n',
        code: 3,
      });
      const long = '0123456789abcdef'.repeat(200_000);
      const echoed = await kubectl.run(['exec', '-i', 'web', '--', 'cat'], long);
      assert.equal(echoed.out === long, true);
      assert.equal(echoed.code, 0);
      assert.equal(server.node.openSessions, 0);
    },
  );

  test(
    `kubectl over ${transport}: port-forward carries connections, half-closed ones too`,
    { skip: unfit },
    async () => {
      await using shouter = await startShouter();
      await using server = await startStreamServer();
      await using kubectl = await kubectlFor(server.port, transport);
      const forward = kubectl.start('port-forward', 'pod/web', `:${shouter.port}`, '--address=127.0.0.1');
      assert.ok(forward.stdout);
      const [line] = (await once(forward.stdout, 'data')) as [Buffer];
      const port = Number(/127\.0\.0\.1:(\d+)/.exec(line.toString())?.[1]);
      const said = await Promise.all(
        ['one', 'two', 'three'].map(async (word) => {
          const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
          socket.end(word);
          return (await buffer(socket)).toString();
        }),
      );
      assert.deepEqual(said, ['ONE', 'TWO', 'THREE']);
      const ended = once(forward, 'close');
      forward.kill();
      await ended;
    },
  );
}
