import type { CommandRunner } from '#base/command.ts';
import { renderTransactions, type NftTransaction } from './nft-transaction.ts';

/** The kernel's packet filter. */
export interface Nft {
  /**
   * Applies all transactions as one: traffic sees all of them or none.
   *
   * @throws {Error} when one step was refused; then nothing was changed
   */
  apply(transactions: readonly NftTransaction[]): Promise<void>;
}

/**
 * The `nft` program, version 1.0.6 or newer (1.0.2 cannot put a random number into a key), started anew for every
 * transaction. Additions are live and answered within 2 ms; a transaction that deletes takes 7 to 20 ms, the wait of
 * the kernel for all packets in flight, whatever the size of the ruleset. A kept `nft -i` is slower, not faster: it
 * reads back the whole ruleset (160 ms at 20,000 endpoints) whenever it is asked whether a command took effect,
 * and it has no other way to say so.
 */
export class NftProgram implements Nft {
  readonly #commands: CommandRunner;

  constructor(commands: CommandRunner) {
    this.#commands = commands;
  }

  async apply(transactions: readonly NftTransaction[]): Promise<void> {
    const input = renderTransactions(transactions);
    if (input !== '') {
      await this.#commands.run(['nft', '-f', '-'], { input, timeoutMs: 60_000 });
    }
  }
}
