import { describeError } from '#base/log.ts';
import { UsageError } from './command-line.ts';

const USAGE = `Coracle runs Kubernetes on this machine.

Usage: coracle VERB [options]

  start           start a cluster with an example application, and show it answering
  up              start a cluster; --detach leaves it running in the background
  status          say whether the cluster runs and where
  down            stop it
  logs            print what the cluster program wrote
  kubectl         talk to a cluster, as kubectl does
  why             say why a pod waits, or does not get ready
  etcd            serve a store of its own as an etcd
  snapshot        save a cluster, restore it, or fork it
  apiserver       the API server alone over an etcd, with upstream's flags
  envtest-assets  make kube-apiserver, etcd and kubectl for controller-runtime's envtest
  version         print the version

Run "coracle VERB --help" for the options of a verb.
`;

/** Runs one verb and returns the exit code. Verbs are loaded when they are asked for, so that each starts fast. */
export async function main(args: readonly string[]): Promise<number> {
  const [verb = '', ...rest] = args;
  try {
    return await run(verb, rest);
  } catch (error) {
    process.stderr.write(`coracle ${verb}: ${describeError(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function run(verb: string, args: readonly string[]): Promise<number> {
  switch (verb) {
    case 'up':
      return args.includes('--detach') && !args.includes('--help')
        ? (await import('./detach.ts')).detach(args)
        : (await import('./up.ts')).up(args);
    case 'start':
      return (await import('./start.ts')).start(args);
    case 'status':
      return (await import('./status.ts')).status(args);
    case 'down':
      return (await import('./down.ts')).down(args);
    case 'logs':
      return (await import('./logs.ts')).logs(args);
    case 'kubectl':
      return (await import('./kubectl.ts')).runKubectl(args);
    case 'why':
      return (await import('./why.ts')).why(args);
    case 'etcd':
      return (await import('./etcd.ts')).etcd(args);
    case 'snapshot':
      return (await import('./snapshot.ts')).snapshot(args);
    case 'apiserver':
      return (await import('./apiserver.ts')).apiserver(args);
    case 'envtest-assets':
      return (await import('./envtest-assets.ts')).envtestAssets(args);
    case 'version':
    case '--version':
      return (await import('./version.ts')).version();
    case '':
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(USAGE);
      return verb === '' ? 2 : 0;
    default:
      throw new UsageError(`there is no verb ${JSON.stringify(verb)}; "coracle help" lists them`);
  }
}
