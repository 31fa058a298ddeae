import { up } from './up.ts';

export function start(args: readonly string[]): Promise<number> {
  return up(args);
}
