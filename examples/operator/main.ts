import { connect, runOperator } from 'coracle/controller';
import { websiteOperator } from './website-operator.ts';

await using connection = connect({ userAgent: 'website-operator' });
await runOperator({ ...websiteOperator(connection), leaderElection: { namespace: 'website-system' } });
