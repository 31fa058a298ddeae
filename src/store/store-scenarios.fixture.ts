import type { StoreTranscript } from './store-transcript.fixture.ts';

/** What every backend has to answer, word for word. */
export interface StoreScenario {
  readonly name: string;
  readonly run: (t: StoreTranscript) => Promise<void>;
  readonly expected: string;
}

export const STORE_SCENARIOS: readonly StoreScenario[] = [
  {
    name: 'an empty store stands at revision 1',
    run: async (t) => {
      await t.status();
      await t.get('/a');
      await t.list('/');
      await t.count('');
      await t.update('/a', 'x');
      await t.delete('/a');
      await t.get('/a', 2);
    },
    expected: `
      status: @1 compacted 0 keys 0 leases 0 watchers 0
      get /a: nothing
      list /: @1 []
      count : 0
      update /a x: missing
      delete /a: missing
      get /a@2: ! the required revision is a future revision; the newest is 1`,
  },
  {
    name: 'writes check what they expect and count versions',
    run: async (t) => {
      await t.create('/a', '1');
      await t.create('/a', '2');
      await t.update('/a', '2', 2);
      await t.update('/a', '3', 2);
      await t.update('/a', '3');
      await t.delete('/a', 2);
      await t.delete('/a', 4);
      await t.delete('/a', 4);
      await t.create('/a', '5');
      await t.get('/a');
    },
    expected: `
      create /a 1: created@2
      create /a 2: exists /a=1 (2..2 v1)
      update /a@2 2: updated@3
      update /a@2 3: conflict /a=2 (2..3 v2)
      update /a 3: updated@4
      delete /a@2: conflict /a=3 (2..4 v3)
      delete /a@4: deleted@5 was /a=3 (2..4 v3)
      delete /a@4: missing
      create /a 5: created@6
      get /a: /a=5 (6..6 v1)`,
  },
  {
    name: 'writes of one moment see each other and share a commit',
    run: async (t) => {
      await Promise.all([
        t.create('/a', '1'),
        t.create('/a', '2'),
        t.update('/a', '3', 2),
        t.update('/a', '4', 2),
        t.delete('/a', 3),
        t.update('/a', '5'),
        t.create('/a', '6'),
      ]);
      await t.status();
    },
    expected: `
      create /a 1: created@2
      create /a 2: exists /a=1 (2..2 v1)
      update /a@2 3: updated@3
      update /a@2 4: conflict /a=3 (2..3 v2)
      delete /a@3: deleted@4 was /a=3 (2..3 v2)
      update /a 5: missing
      create /a 6: created@5
      status: @5 compacted 0 keys 1 leases 0 watchers 0`,
  },
  {
    name: 'pages follow key order and know what is left',
    run: async (t) => {
      for (const key of ['/p/b', '/p/a/1', '/q', '/p/a', '/p', '/p/ä', '/p0', '/p/\u{1f600}', '/p/\uffff']) {
        await t.create(key, '.');
      }
      await t.delete('/p/b');
      await t.list('/p/');
      await t.list('/p/', { limit: 2 });
      await t.list('/p/', { limit: 2, after: '/p/a/1' });
      await t.list('/p/', { limit: 2, after: '/p/zzz' });
      await t.list('/p/', { limit: 1, after: '/p/a', revision: 4 });
      await t.list('/p/', { limit: 1, revision: 6 });
      await t.list('/nothing');
      await t.list('', { limit: 1 });
      await t.count('/p/');
      await t.count('/p');
      await t.count('');
    },
    expected: `
      create /p/b .: created@2
      create /p/a/1 .: created@3
      create /q .: created@4
      create /p/a .: created@5
      create /p .: created@6
      create /p/ä .: created@7
      create /p0 .: created@8
      create /p/\u{1f600} .: created@9
      create /p/\uffff .: created@10
      delete /p/b: deleted@11 was /p/b=. (2..2 v1)
      list /p/: @11 [/p/a=. (5..5 v1), /p/a/1=. (3..3 v1), /p/ä=. (7..7 v1), /p/\uffff=. (10..10 v1), /p/\u{1f600}=. (9..9 v1)]
      list /p/ limit 2: @11 [/p/a=. (5..5 v1), /p/a/1=. (3..3 v1)] and 3 more
      list /p/ limit 2 after /p/a/1: @11 [/p/ä=. (7..7 v1), /p/\uffff=. (10..10 v1)] and 1 more
      list /p/ limit 2 after /p/zzz: @11 [/p/ä=. (7..7 v1), /p/\uffff=. (10..10 v1)] and 1 more
      list /p/@4 limit 1 after /p/a: @4 [/p/a/1=. (3..3 v1)] and 1 more
      list /p/@6 limit 1: @6 [/p/a=. (5..5 v1)] and 2 more
      list /nothing: @11 []
      list  limit 1: @11 [/p=. (6..6 v1)] and 7 more
      count /p/: 5
      count /p: 7
      count : 8`,
  },
  {
    name: 'the past can be read until it is compacted',
    run: async (t) => {
      await t.create('/a', '1');
      await t.create('/b', '1');
      await t.update('/a', '2');
      await t.delete('/b');
      await t.create('/b', '2');
      await t.get('/a', 2);
      await t.get('/b', 2);
      await t.get('/b', 5);
      await t.list('/', { revision: 4 });
      await t.list('/', { revision: 5 });
      await t.compact(4);
      await t.get('/a', 3);
      await t.list('/', { revision: 3 });
      await t.list('/', { revision: 4 });
      await t.compact(4);
      await t.compact(3);
      await t.compact(7);
      await t.compact(6);
      await t.list('/', { revision: 5 });
      await t.list('/');
      await t.status();
    },
    expected: `
      create /a 1: created@2
      create /b 1: created@3
      update /a 2: updated@4
      delete /b: deleted@5 was /b=1 (3..3 v1)
      create /b 2: created@6
      get /a@2: /a=1 (2..2 v1)
      get /b@2: nothing
      get /b@5: nothing
      list /@4: @4 [/a=2 (2..4 v2), /b=1 (3..3 v1)]
      list /@5: @5 [/a=2 (2..4 v2)]
      compact 4: done
      get /a@3: ! the required revision has been compacted; the oldest that can be read is 4
      list /@3: ! the required revision has been compacted; the oldest that can be read is 4
      list /@4: @4 [/a=2 (2..4 v2), /b=1 (3..3 v1)]
      compact 4: done
      compact 3: done
      compact 7: ! the required revision is a future revision; the newest is 6
      compact 6: done
      list /@5: ! the required revision has been compacted; the oldest that can be read is 6
      list /: @6 [/a=2 (2..4 v2), /b=2 (6..6 v1)]
      status: @6 compacted 6 keys 2 leases 0 watchers 0`,
  },
  {
    name: 'a store whose last change was compacted keeps its revision',
    run: async (t) => {
      await t.create('/a', '1');
      await t.delete('/a');
      await t.compact(3);
      await t.create('/a', '2');
      await t.list('/', { revision: 3 });
      await t.watch('/', { after: 3 }, 4);
    },
    expected: `
      create /a 1: created@2
      delete /a: deleted@3 was /a=1 (2..2 v1)
      compact 3: done
      create /a 2: created@4
      list /@3: @3 []
      watch / after 3: [put /a=2 (4..4 v1)]`,
  },
  {
    name: 'watches tell every change below their prefix from where they start',
    run: async (t) => {
      await t.create('/a/1', 'x');
      await t.create('/b/1', 'x');
      await t.update('/a/1', 'y');
      await t.delete('/a/1');
      await t.create('/a/1', 'z');
      await t.watch('/a/', { after: 0 }, 6);
      await t.watch('/a/', { after: 3 }, 6);
      await t.watch('/a/', { after: 6 }, 6);
      await t.watch('/b', { after: 1 }, 6);
      await t.watch('', { after: 4 }, 6);
      await t.watch('/a/', { after: 7 }, 7);
      await t.compact(4);
      await t.watch('/a/', { after: 3 }, 6);
      await t.watch('/a/', { after: 4 }, 6);
    },
    expected: `
      create /a/1 x: created@2
      create /b/1 x: created@3
      update /a/1 y: updated@4
      delete /a/1: deleted@5 was /a/1=y (2..4 v2)
      create /a/1 z: created@6
      watch /a/ after 0: [put /a/1=x (2..2 v1), put /a/1=y (2..4 v2) was /a/1=x (2..2 v1), delete /a/1@5 was /a/1=y (2..4 v2), put /a/1=z (6..6 v1)]
      watch /a/ after 3: [put /a/1=y (2..4 v2) was /a/1=x (2..2 v1), delete /a/1@5 was /a/1=y (2..4 v2), put /a/1=z (6..6 v1)]
      watch /a/ after 6: []
      watch /b after 1: [put /b/1=x (3..3 v1)]
      watch  after 4: [delete /a/1@5 was /a/1=y (2..4 v2), put /a/1=z (6..6 v1)]
      watch /a/ after 7: ! the required revision is a future revision; the newest is 6
      compact 4: done
      watch /a/ after 3: ! the required revision has been compacted; the oldest that can be read is 4
      watch /a/ after 4: [delete /a/1@5 was /a/1=y (2..4 v2), put /a/1=z (6..6 v1)]`,
  },
  {
    name: 'a lease deletes what still hangs on it when it runs out',
    run: async (t) => {
      const lease = await t.grantLease(10);
      const longer = await t.grantLease(3_600);
      await t.create('/goes', 'x', lease);
      await t.create('/freed', 'x', lease);
      await t.create('/moved', 'x', lease);
      await t.create('/taken', 'x');
      await t.update('/freed', 'y');
      await t.update('/moved', 'y', undefined, longer);
      await t.update('/taken', 'y', undefined, lease);
      await t.create('/none', 'x', 99);
      await t.clock.advance(9_000);
      await t.status();
      await t.clock.advance(2_000);
      await t.watch('/', { after: 8 }, 10);
      await t.create('/late', 'x', lease);
      await t.list('/');
      await t.status();
    },
    expected: `
      lease of 10 s: 1
      lease of 3600 s: 2
      create /goes x: created@2
      create /freed x: created@3
      create /moved x: created@4
      create /taken x: created@5
      update /freed y: updated@6
      update /moved y: updated@7
      update /taken y: updated@8
      create /none x: ! lease 99 does not exist
      status: @8 compacted 0 keys 4 leases 2 watchers 0
      watch / after 8: [delete /goes@9 was /goes=x (2..2 v1 #1), delete /taken@10 was /taken=y (5..8 v2 #1)]
      create /late x: ! lease 1 does not exist
      list /: @10 [/freed=y (3..6 v2), /moved=y (4..7 v2 #2)]
      status: @10 compacted 0 keys 2 leases 1 watchers 0`,
  },
  {
    name: 'a value may be empty or large',
    run: async (t) => {
      const large = 'x'.repeat(100_000);
      await t.create('/empty', '');
      await t.create('/large', large);
      await t.get('/empty');
      t.note(String((await t.store.get('/large'))?.value.length));
      await t.update('/empty', '');
      await t.watch('/empty', { after: 1 }, 4);
    },
    expected: `
      create /empty : created@2
      create /large ${'x'.repeat(100_000)}: created@3
      get /empty: /empty= (2..2 v1)
      100000
      update /empty : updated@4
      watch /empty after 1: [put /empty= (2..2 v1), put /empty= (2..4 v2) was /empty= (2..2 v1)]`,
  },
];
