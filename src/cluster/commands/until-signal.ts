/** Resolves when the program is told to stop. */
export async function untilSignal(): Promise<void> {
  const { promise, resolve: stop } = Promise.withResolvers<void>();
  process.once('SIGINT', () => stop());
  process.once('SIGTERM', () => stop());
  await promise;
}
