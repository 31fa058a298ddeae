import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createInterface } from 'node:readline';
import { WHY_NO_ETCDCTL, etcdProgram } from './etcd-process.fixture.ts';

const PROGRAM = join(import.meta.dirname, '../../bin/coracle.mjs');

const etcdctlPath = etcdProgram('etcdctl');
const skip = etcdctlPath === undefined ? WHY_NO_ETCDCTL : false;

describe('coracle etcd', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-etcdctl-'));
  let served: Served | undefined;

  before(async () => {
    served = await serve(directory);
  });

  after(async () => {
    await served?.stop();
    rmSync(directory, { recursive: true });
  });

  const ctl = (args: readonly string[], input = ''): string => {
    assert.ok(served !== undefined);
    const { stdout, stderr, status } = etcdctl(served.endpoint, args, input);
    assert.equal(status, 0, `etcdctl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const refused = (...args: readonly string[]): string => {
    assert.ok(served !== undefined);
    const { stderr, status } = etcdctl(served.endpoint, args);
    assert.notEqual(status, 0, `etcdctl ${args.join(' ')} is refused`);
    return stderr;
  };

  test('etcdctl put, get and del', () => {
    assert.equal(ctl(['put', '/k/a', '1']), 'OK\n');
    assert.equal(ctl(['put', '/k/b', '2']), 'OK\n');
    assert.equal(ctl(['put', '/k/a', '3', '--prev-kv']), 'OK\n/k/a\n1\n');
    assert.equal(ctl(['get', '/k/', '--prefix']), '/k/a\n3\n/k/b\n2\n');
    assert.equal(ctl(['get', '/k/', '--prefix', '--keys-only']), '/k/a\n\n/k/b\n\n');
    assert.equal(ctl(['get', '/k/', '--prefix', '--limit=1']), '/k/a\n3\n');
    assert.equal(ctl(['get', '/k/a', '--rev=2', '--print-value-only']), '1\n');
    assert.equal(ctl(['get', '/k/b', '--from-key', '--print-value-only']), '2\n');
    assert.equal(
      ctl(['get', '/k/', '--prefix', '--sort-by=MODIFY', '--order=DESCEND', '--keys-only']),
      '/k/a\n\n/k/b\n\n',
    );
    assert.match(ctl(['get', '/k/', '--prefix', '--limit=1', '--write-out=fields']), /"Count" : 2/);
    assert.equal(ctl(['put', '/k/a', '--ignore-value']), 'OK\n');
    assert.equal(ctl(['del', '/k/', '--prefix', '--prev-kv']), '2\n/k/a\n3\n/k/b\n2\n');
    assert.equal(ctl(['del', '/k/a']), '0\n');
  });

  test('etcdctl txn does one branch, all or nothing', () => {
    ctl(['put', '/t', 'old']);
    const script = 'value("/t") = "old"\nmod("/none") = "0"\n\nput /t new\nput /u new\nget /t\n\nget /t\n\n';
    assert.equal(ctl(['txn'], script), 'SUCCESS\n\nOK\n\nOK\n\n/t\nnew\n');
    assert.equal(ctl(['txn'], script), 'FAILURE\n\n/t\nnew\n');
    assert.equal(ctl(['txn'], 'create("/t") > "0"\n\ndel /t\n\n\n'), 'SUCCESS\n\n1\n');
  });

  test('etcdctl watch tells the past and the present', async () => {
    assert.ok(served !== undefined);
    const revision = revisionOf(ctl(['get', 'x', '--write-out=json']));
    ctl(['put', '/w/a', '1']);
    const watch = spawn(
      String(etcdctlPath),
      ['watch', '/w/', '--prefix', '--prev-kv', `--rev=${revision + 1}`],
      { timeout: 30_000, env: environment(served.endpoint), stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const lines = createInterface({ input: watch.stdout })[Symbol.asyncIterator]();
    const next = async (count: number): Promise<string[]> => {
      const seen = [];
      while (seen.length < count) {
        seen.push(String((await lines.next()).value));
      }
      return seen;
    };
    try {
      assert.deepEqual(await next(3), ['PUT', '/w/a', '1']);
      ctl(['put', '/other', '1']);
      ctl(['del', '/w/a']);
      assert.deepEqual(await next(5), ['DELETE', '/w/a', '1', '/w/a', '']);
    } finally {
      watch.kill('SIGKILL');
      await once(watch, 'exit');
    }
  });

  test('etcdctl lease grant, keep-alive, timetolive, list and revoke', () => {
    const granted = /lease (\S+) granted with TTL\(100s\)/.exec(ctl(['lease', 'grant', '100']))?.[1];
    assert.ok(granted !== undefined);
    ctl(['put', '/leased', 'x', `--lease=${granted}`]);
    assert.match(ctl(['lease', 'keep-alive', '--once', granted]), /keepalived with TTL\(100\)/);
    assert.match(ctl(['lease', 'timetolive', granted, '--keys']), /attached keys\(\[\/leased\]\)/);
    assert.match(ctl(['lease', 'list']), new RegExp(`found 1 leases\n${granted}`));
    assert.match(ctl(['lease', 'revoke', granted]), /revoked/);
    assert.equal(ctl(['get', '/leased']), '');
    assert.match(refused('lease', 'revoke', granted), /requested lease not found/);
    assert.match(refused('put', '/leased', 'x', `--lease=${granted}`), /requested lease not found/);
    assert.match(ctl(['lease', 'timetolive', granted]), /already expired/);
  });

  test('etcdctl compaction forgets, and says so to who comes too late', () => {
    ctl(['put', '/c', '1']);
    const revision = revisionOf(ctl(['get', '/c', '--write-out=json']));
    ctl(['put', '/c', '2']);
    ctl(['put', '/c', '3']);
    assert.match(ctl(['compaction', String(revision + 1)]), /compacted revision/);
    assert.match(refused('get', '/c', `--rev=${revision}`), /required revision has been compacted/);
    assert.match(refused('compaction', String(revision)), /required revision has been compacted/);
    assert.match(refused('get', '/c', `--rev=${revision + 1_000}`), /required revision is a future revision/);
    assert.match(refused('watch', '/c', `--rev=${revision}`), /required revision has been compacted/);
    assert.equal(ctl(['get', '/c', '--print-value-only']), '3\n');
  });

  test('etcdctl endpoint status and health, member list, alarm list, defrag', () => {
    const [{ Status: status }] = JSON.parse(ctl(['endpoint', 'status', '--write-out=json'])) as [
      { readonly Status: { readonly version: string; readonly leader: number; readonly dbSize: number } },
    ];
    assert.match(status.version, /^3\.5\./);
    assert.ok(status.leader > 0 && status.dbSize > 0);
    ctl(['endpoint', 'health']);
    assert.match(ctl(['member', 'list']), /started, coracle/);
    assert.equal(ctl(['alarm', 'list']), '');
    ctl(['defrag']);
  });

  test('etcdctl snapshot save writes every key', () => {
    ctl(['put', '/snap', 'kept in the snapshot']);
    const file = join(directory, 'snapshot.db');
    ctl(['snapshot', 'save', file]);
    assert.match(readFileSync(file, 'latin1'), /kept in the snapshot/);
  });

  test('users and roles are refused', () => {
    assert.notEqual(refused('user', 'list'), '');
  });

  test('what was written is there after a restart', async () => {
    ctl(['put', '/stays', 'yes']);
    await served?.stop();
    served = await serve(directory);
    assert.equal(ctl(['get', '/stays', '--print-value-only']), 'yes\n');
  });
});

interface Served {
  readonly endpoint: string;
  readonly stop: () => Promise<void>;
}

async function serve(directory: string): Promise<Served> {
  const child: ChildProcess = spawn(
    process.execPath,
    [PROGRAM, 'etcd', '--data-dir', join(directory, 'data'), '--listen-client-urls', 'http://127.0.0.1:0'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  assert.ok(child.stdout !== null);
  let endpoint: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    endpoint = /http:\/\/(\S+)/.exec(line)?.[1];
    break;
  }
  assert.ok(endpoint !== undefined, 'the program says where it listens');
  return {
    endpoint,
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit')) as [number | null];
      assert.equal(code, 0);
    },
  };
}

function etcdctl(
  endpoint: string,
  args: readonly string[],
  input = '',
): { readonly stdout: string; readonly stderr: string; readonly status: number | null } {
  return spawnSync(String(etcdctlPath), args, {
    env: environment(endpoint),
    input,
    encoding: 'utf8',
    timeout: 60_000,
  });
}

function environment(endpoint: string): NodeJS.ProcessEnv {
  return { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: endpoint };
}

function revisionOf(json: string): number {
  return (JSON.parse(json) as { readonly header: { readonly revision: number } }).header.revision;
}
