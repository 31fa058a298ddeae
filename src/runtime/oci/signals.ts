import { constants } from 'node:os';
import { systemCode } from './system-code.ts';

/** The first of the real-time signals, as the C library hands them out. */
const REALTIME_MIN = 34;
const REALTIME_MAX = 64;
const REALTIME = /^SIGRT(MIN|MAX)(?:(\+|-|PLUS|MINUS)(\d{1,2}))?$/;

/**
 * A signal's full name, from a name with or without `SIG`, a number, or a real-time signal in its many
 * spellings; `SIGTERM` for what is none.
 */
export function signalName(text: string): string {
  if (/^\d+$/.test(text)) {
    return Object.entries(constants.signals).find(([, number]) => number === Number(text))?.[0] ?? 'SIGTERM';
  }
  const name = `SIG${text.toUpperCase().replace(/^SIG/, '')}`;
  return name in constants.signals || REALTIME.test(name) ? name : 'SIGTERM';
}

/** The number of a signal that {@link signalName} named. */
export function signalNumber(name: string): number {
  const realtime = REALTIME.exec(name);
  if (realtime !== null) {
    const [, base, sign = '+', count = '0'] = realtime;
    const offset = sign === '+' || sign === 'PLUS' ? Number(count) : -Number(count);
    const number = (base === 'MIN' ? REALTIME_MIN : REALTIME_MAX) + offset;
    return Math.min(Math.max(number, REALTIME_MIN), REALTIME_MAX);
  }
  const known: Readonly<Record<string, number>> = constants.signals;
  return known[name] ?? constants.signals.SIGTERM;
}

/** Sends a signal; false when the process is gone already. */
export function sendSignal(pid: number, signal: number): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') {
      return false;
    }
    throw error;
  }
}
