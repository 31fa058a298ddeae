import { formatTime } from '#api/time.ts';
import { CliError } from '../cli-error.ts';
import type { Command, Invocation } from '../command.ts';
import { StatusError } from '#api/status-error.ts';
import { eachTarget } from '../each-target.ts';
import { fetchObject, findObjects, type FoundObject } from '../find-objects.ts';
import type { Flag } from '../flags.ts';
import { FILE_FLAGS } from '../manifests.ts';
import { listAt, textAt, withValueAt } from '../object-access.ts';
import { OutcomePrinter } from '../outcome.ts';
import { OUTPUT_FLAGS } from '../printers/printer.ts';
import { pathOf } from '../resource-mapper.ts';

const FLAGS: readonly Flag[] = [
  ...FILE_FLAGS,
  ...OUTPUT_FLAGS,
  { name: 'force', kind: 'bool', about: 'Write it even if that is decided already.' },
];

/** A decision on a request, and the one that it cannot be taken after. */
interface Decision {
  readonly type: 'Approved' | 'Denied';
  readonly opposite: 'Approved' | 'Denied';
  readonly reason: string;
  readonly message: string;
  readonly outcome: string;
}

const APPROVAL: Decision = {
  type: 'Approved',
  opposite: 'Denied',
  reason: 'KubectlApprove',
  message: 'This CSR was approved by kubectl certificate approve.',
  outcome: 'approved',
};

const DENIAL: Decision = {
  type: 'Denied',
  opposite: 'Approved',
  reason: 'KubectlDeny',
  message: 'This CSR was denied by kubectl certificate deny.',
  outcome: 'denied',
};

export const CERTIFICATE: Command = {
  name: 'certificate',
  about: 'Modify certificate resources',
  commands: [
    {
      name: 'approve',
      about: 'Approve a certificate signing request',
      usage: '(-f FILENAME | NAME)',
      flags: FLAGS,
      run: (invocation) => decide(invocation, APPROVAL),
    },
    {
      name: 'deny',
      about: 'Deny a certificate signing request',
      usage: '(-f FILENAME | NAME)',
      flags: FLAGS,
      run: (invocation) => decide(invocation, DENIAL),
    },
  ],
};

/** Another writer may come between the read and the write; then both are done again so often. */
const CONFLICT_RETRIES_MAX = 10;

async function decide(invocation: Invocation, decision: Decision): Promise<void> {
  const { session, flags, args } = invocation;
  if (args.length === 0 && flags.list('filename').length === 0 && flags.text('kustomize') === '') {
    throw new CliError('one or more CSRs must be specified as <name> or -f <filename>');
  }
  const printer = new OutcomePrinter(invocation, 'none');
  const names = args.length === 0 ? [] : ['certificatesigningrequests', ...args];
  await eachTarget(session, await findObjects(invocation, { args: names }), async (found) => {
    await decideOne(invocation, found, decision);
    printer.print(found.object, decision.outcome);
  });
}

async function decideOne(
  { session, flags, io }: Invocation,
  found: FoundObject,
  { type, opposite, reason, message }: Decision,
): Promise<void> {
  if (found.object.kind !== 'CertificateSigningRequest') {
    throw new CliError(
      `can only handle CertificateSigningRequest.certificates.k8s.io objects, got ${found.object.kind}`,
    );
  }
  let { object } = found;
  for (let attempt = 0; ; attempt++) {
    const conditions = listAt(object, 'status', 'conditions');
    const types = new Set(conditions.map((condition) => textAt(condition, 'type')));
    if (types.has(opposite)) {
      throw new CliError(`certificate signing request ${JSON.stringify(found.name)} is already ${opposite}`);
    }
    if (types.has(type) && !flags.bool('force')) {
      return;
    }
    const condition = { type, status: 'True', reason, message, lastUpdateTime: formatTime(io.clock.nowMs()) };
    const next = types.has(type) ? conditions : [...conditions, condition];
    try {
      await session.client.request({
        method: 'PUT',
        path: pathOf(found.resource, { name: found.name, subresource: 'approval' }),
        body: withValueAt(object, ['status', 'conditions'], next),
      });
      return;
    } catch (error) {
      const isConflict = error instanceof StatusError && error.reason === 'Conflict';
      if (!isConflict || attempt >= CONFLICT_RETRIES_MAX) {
        throw error;
      }
      ({ object } = await fetchObject(session, found));
    }
  }
}
