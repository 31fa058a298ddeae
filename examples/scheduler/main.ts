import { runScheduler } from 'coracle/scheduler';
import { quietNodes } from './quiet-nodes.ts';

// A second scheduler on the cluster of $KUBECONFIG, for pods with `schedulerName: quiet-scheduler`.
await runScheduler({ schedulerName: 'quiet-scheduler', plugins: [quietNodes] });
