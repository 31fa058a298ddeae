import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogFollower } from './log-follower.ts';

const AT = '2026-11-21T05:48:36.851962446+00:00';

function withLog(run: (path: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-log-'));
  try {
    const path = join(directory, '0.log');
    writeFileSync(path, `${AT} stdout F before\n`);
    run(path);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('log follower: starts at the end, joins what was cut, and goes over rotations', () => {
  withLog((path) => {
    let text = '';
    using follower = new LogFollower(path, {
      hasRoom: () => true,
      take: ({ bytes }) => {
        text += bytes.toString();
      },
    });
    appendFileSync(path, `${AT} stdout P half `);
    follower.read();
    appendFileSync(path, `a\n${AT} stdout F line\n`);
    follower.read();
    assert.equal(text, 'half aline\n');
    renameSync(path, `${path}.1`);
    appendFileSync(`${path}.1`, `${AT} stderr F last of the old\n`);
    follower.read();
    writeFileSync(path, `${AT} stdout F first of the new\n`);
    follower.read();
    assert.equal(text, 'half aline\nlast of the old\nfirst of the new\n');
  });
});

test('log follower: waits while there is no room', () => {
  withLog((path) => {
    let hasRoom = false;
    let count = 0;
    using follower = new LogFollower(path, {
      hasRoom: () => hasRoom,
      take: () => {
        count += 1;
      },
    });
    appendFileSync(path, `${AT} stdout F one\n`);
    assert.equal(follower.read(), false);
    assert.equal(count, 0);
    hasRoom = true;
    assert.equal(follower.read(), true);
    assert.equal(count, 1);
  });
});
