/** Key–value pairs of a log line. An `error` key is printed with its causes. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Structured logging: a constant message, and everything that varies as fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Writes one `time level message key=value …` line a call to `write`. */
export class LineLogger implements Logger {
  readonly #write: (line: string) => void;
  readonly #nowMs: () => number;
  readonly #level: LogLevel;
  readonly #fields: LogFields;

  constructor(write: (line: string) => void, nowMs: () => number, level: LogLevel, fields: LogFields = {}) {
    this.#write = write;
    this.#nowMs = nowMs;
    this.#level = level;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields);
  }

  with(fields: LogFields): Logger {
    return new LineLogger(this.#write, this.#nowMs, this.#level, { ...this.#fields, ...fields });
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (SEVERITY[level] < SEVERITY[this.#level]) {
      return;
    }
    let line = `${new Date(this.#nowMs()).toISOString()} ${level.toUpperCase().padEnd(5)} ${message}`;
    for (const [key, value] of Object.entries({ ...this.#fields, ...fields })) {
      line += ` ${key}=${formatValue(value)}`;
    }
    this.#write(`${line}\n`);
  }
}

/** Drops everything. For tests, and for parts whose caller reports. */
export const SILENT_LOGGER: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => SILENT_LOGGER,
};

function formatValue(value: unknown): string {
  if (value instanceof Error) {
    return JSON.stringify(describeError(value));
  }
  if (typeof value === 'string') {
    return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value);
  }
  return JSON.stringify(value) ?? 'undefined';
}

/** The error's message followed by those of its causes, outermost first. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const own = error.message === '' ? error.name : error.message;
  return error.cause === undefined ? own : `${own}: ${describeError(error.cause)}`;
}
