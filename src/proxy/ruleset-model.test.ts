import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeNft } from './fake-nft.ts';
import { renderTransactions } from './nft-transaction.ts';
import { NO_RULES } from './rules.ts';
import { RulesetModel } from './ruleset-model.ts';
import { planService, type RulesContext } from './service-rules.ts';
import { aService, aSlice } from './service.fixture.ts';

const CONTEXT: RulesContext = { family: 'ip', node: { name: 'a' }, clusterCidrs: [] };
const TABLE = { family: 'ip', name: 'coracle-test' } as const;

function aModel(): RulesetModel {
  return new RulesetModel({ family: 'ip', serviceCidrs: ['10.96.0.0/12'], hasLocalhostNodePorts: false });
}

async function send(nft: FakeNft, model: RulesetModel, isFull = false): Promise<string> {
  const transaction = { table: TABLE, operations: isFull ? model.takeAll() : model.takeChanges() };
  await nft.apply([transaction]);
  return renderTransactions([transaction]);
}

test('RulesetModel: one more endpoint costs three elements and the chain for that many', async () => {
  const nft = new FakeNft();
  const model = aModel();
  model.replace('shop/web', planService(aService(), [aSlice('5@b 6@b')], CONTEXT));
  await send(nft, model, true);

  model.replace('shop/web', planService(aService(), [aSlice('5@b 6@b 7@b')], CONTEXT));
  assert.equal(
    await send(nft, model),
    [
      'add chain ip coracle-test cluster-tcp-3',
      'delete element ip coracle-test services { 10.96.0.7 . tcp . 80 }',
      'add rule ip coracle-test cluster-tcp-3 dnat ip to ip daddr . tcp dport . numgen random mod 3 map @tcp-endpoints',
      'flush chain ip coracle-test cluster-tcp-2',
      'add element ip coracle-test tcp-endpoints { 10.96.0.7 . 80 . 2 : 10.244.0.7 . 8080 }',
      'add element ip coracle-test services { 10.96.0.7 . tcp . 80 : goto cluster-tcp-3 }',
      'delete chain ip coracle-test cluster-tcp-2',
      '',
    ].join('\n'),
  );
  assert.equal(await send(nft, model), '');
});

test('RulesetModel: a chain that other services still use stays', async () => {
  const nft = new FakeNft();
  const model = aModel();
  const slices = [aSlice('5@b')];
  model.replace('shop/web', planService(aService(), slices, CONTEXT));
  model.replace('shop/api', planService(aService({ clusterIPs: ['10.96.0.8'] }), slices, CONTEXT));
  await send(nft, model, true);
  model.replace('shop/web', NO_RULES);
  await send(nft, model);
  assert.deepEqual(nft.elements('ip coracle-test', 'services'), {
    '10.96.0.8 . tcp . 80': 'goto cluster-tcp-1',
  });
  model.replace('shop/api', NO_RULES);
  await send(nft, model);
  assert.equal(nft.chain('ip coracle-test', 'cluster-tcp-1'), undefined);
});

test('RulesetModel: of two services that claim one address the first has it, then the other', async () => {
  const nft = new FakeNft();
  const model = aModel();
  const claimant = (clusterIp: string): ReturnType<typeof aService> =>
    aService({ clusterIPs: [clusterIp], externalIPs: ['192.0.2.1'] });
  const endpoint = (): string | undefined =>
    nft.elements('ip coracle-test', 'tcp-endpoints')['192.0.2.1 . 80 . 0'];
  model.replace('shop/a', planService(claimant('10.96.0.8'), [aSlice('5@b')], CONTEXT));
  model.replace('shop/b', planService(claimant('10.96.0.9'), [aSlice('6@b')], CONTEXT));
  await send(nft, model, true);
  assert.equal(endpoint(), '10.244.0.5 . 8080');
  model.replace('shop/a', NO_RULES);
  await send(nft, model);
  assert.equal(endpoint(), '10.244.0.6 . 8080');
});

test('RulesetModel: affinity chains and sets come, change and go in an order the kernel accepts', async () => {
  const nft = new FakeNft();
  const model = aModel();
  const sticky = aService({ sessionAffinity: 'ClientIP' });
  await send(nft, model, true);
  const empty = nft.chains('ip coracle-test');
  for (const endpoints of ['5@b', '5@b 6@a', '6@a 7@a', '']) {
    model.replace('shop/web', planService(sticky, [aSlice(endpoints)], CONTEXT));
    await send(nft, model);
  }
  assert.deepEqual(nft.chains('ip coracle-test'), empty);
});

test('RulesetModel: what came and went between two transactions is not sent', async () => {
  const model = aModel();
  model.takeAll();
  model.replace('shop/web', planService(aService(), [aSlice('5@b')], CONTEXT));
  model.replace('shop/web', NO_RULES);
  assert.deepEqual(model.takeChanges(), []);
});
