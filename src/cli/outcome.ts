import type { Invocation } from './command.ts';
import { type DryRun, dryRunSuffix } from './dry-run.ts';
import type { AnyObject } from './object-access.ts';
import { nameOf, objectPrinter, type ObjectPrinter, outputFormat } from './printers/printer.ts';

/** Prints what a write came to: `deployment.apps/web created`, or the object in the format that `-o` asks for. */
export class OutcomePrinter {
  readonly #invocation: Invocation;
  readonly #suffix: string;
  readonly #printer: ObjectPrinter | undefined;

  /** @throws {CliError} for an output format that does not exist */
  constructor(invocation: Invocation, dryRun: DryRun) {
    this.#invocation = invocation;
    this.#suffix = dryRunSuffix(dryRun);
    this.#printer = outputFormat(invocation.flags).name === '' ? undefined : objectPrinter(invocation.flags);
  }

  print(object: AnyObject, operation: string): void {
    const text =
      this.#printer === undefined
        ? `${nameOf(object)} ${operation}${this.#suffix}\n`
        : this.#printer([object]);
    this.#invocation.session.print(text);
  }
}
