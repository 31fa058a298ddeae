import { main } from '#cluster/commands/main.ts';

// The foreign-function interface is announced as experimental at every start; users cannot do anything about it.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') {
    process.stderr.write(`${warning.name}: ${warning.message}\n`);
  }
});

process.exitCode = await main(process.argv.slice(2));
