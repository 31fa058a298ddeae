/** A moment as the clocks and calendars of a place show it. */
export interface CivilTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

/** The rules of one place for clocks, from the data that Node carries. */
export class TimeZone {
  readonly #format: Intl.DateTimeFormat | undefined;

  /**
   * @param name  as `Europe/Berlin`; UTC when left out
   * @throws {RangeError} for a name that is not known
   */
  constructor(name: string | undefined) {
    const isUtc = name === undefined || name === 'UTC' || name === 'Etc/UTC';
    this.#format = isUtc
      ? undefined
      : new Intl.DateTimeFormat('en-US', {
          timeZone: name,
          hourCycle: 'h23',
          year: 'numeric',
          month: 'numeric',
          day: 'numeric',
          hour: 'numeric',
          minute: 'numeric',
          second: 'numeric',
        });
  }

  civil(epochMs: number): CivilTime {
    const shown = new Date(epochMs + this.offsetMs(epochMs));
    return {
      year: shown.getUTCFullYear(),
      month: shown.getUTCMonth() + 1,
      day: shown.getUTCDate(),
      hour: shown.getUTCHours(),
      minute: shown.getUTCMinutes(),
      weekday: shown.getUTCDay(),
    };
  }

  /** When a day begins there; a month or day past the end runs over into the next. */
  startOfDay(year: number, month: number, day: number): number {
    const shownMs = Date.UTC(year, month - 1, day);
    // The offset may change between the guess and the truth, so it is looked up once more at the first answer.
    const guessMs = shownMs - this.offsetMs(shownMs);
    return shownMs - this.offsetMs(guessMs);
  }

  /** What the clocks there show, less UTC. */
  offsetMs(epochMs: number): number {
    if (this.#format === undefined) {
      return 0;
    }
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(epochMs)) {
      parts[type] = Number(value);
    }
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    const wholeMs = Math.floor(epochMs / 1000) * 1000;
    return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs;
  }
}
