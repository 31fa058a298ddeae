import { WORD } from './char-classes.ts';
import { parsePattern } from './parse-pattern.ts';
import { PatternError } from './pattern.ts';
import type { Assertion, CharSet, Pattern } from './pattern.ts';

/** Instructions of a compiled pattern. A step over the text costs at most one visit to each. */
const PROGRAM_MAX = 50_000;

type Instruction =
  | { readonly kind: 'char'; readonly set: CharSet }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  /** Tries `first`, then `second`: the order is what prefers greedy or lazy matches. */
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'jump'; target: number }
  | { readonly kind: 'match' };

export interface Match {
  /** In UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

/**
 * A regular expression whose matching time is the product of the text's and the pattern's lengths, whatever they
 * are: all ways to match advance together, one character at a time, and no state is visited twice for one place.
 */
export class Regex {
  readonly #program: readonly Instruction[];

  private constructor(program: readonly Instruction[]) {
    this.#program = program;
  }

  /** @throws PatternError for a pattern that cannot be read or is too large */
  static compile(pattern: string): Regex {
    const program: Instruction[] = [];
    emit(parsePattern(pattern), program);
    program.push({ kind: 'match' });
    return new Regex(program);
  }

  /** Whether the pattern matches anywhere. */
  test(text: string): boolean {
    return this.#run(text, 0, true) !== undefined;
  }

  /** The leftmost match at or after `from`, as preferred by the pattern's order. */
  find(text: string, from = 0): Match | undefined {
    return this.#run(text, from, false);
  }

  #run(text: string, from: number, isAnyEnough: boolean): Match | undefined {
    let current = new Threads(this.#program.length);
    let next = new Threads(this.#program.length);
    let found: Match | undefined;
    for (let at = from; ;) {
      if (found === undefined) {
        this.#follow(current, 0, { text, at, start: at });
      }
      const codePoint = text.codePointAt(at);
      if (current.count === 0 && (found !== undefined || codePoint === undefined)) {
        return found;
      }
      const after = at + (codePoint !== undefined && codePoint > 0xffff ? 2 : 1);
      next.clear();
      for (let index = 0; index < current.count; index++) {
        const pc = current.at(index);
        const start = current.startAt(index);
        const instruction = this.#program[pc];
        if (instruction?.kind === 'match') {
          found = { start, end: at };
          if (isAnyEnough) {
            return found;
          }
          // Threads behind this one are less preferred.
          break;
        }
        if (instruction?.kind === 'char' && codePoint !== undefined && instruction.set(codePoint)) {
          this.#follow(next, pc + 1, { text, at: after, start });
        }
      }
      if (codePoint === undefined) {
        return found;
      }
      [current, next] = [next, current];
      at = after;
    }
  }

  /** Adds what `pc` leads to without reading a character, in order of preference. */
  #follow(threads: Threads, pc: number, place: Place): void {
    const stack = [pc];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (!threads.visit(next)) {
        continue;
      }
      const instruction = this.#program[next];
      switch (instruction?.kind) {
        case 'jump':
          stack.push(instruction.target);
          break;
        case 'split':
          stack.push(instruction.second, instruction.first);
          break;
        case 'assert':
          if (holds(instruction.assertion, place.text, place.at)) {
            stack.push(next + 1);
          }
          break;
        default:
          threads.add(next, place.start);
      }
    }
  }
}

interface Place {
  readonly text: string;
  readonly at: number;
  readonly start: number;
}

/** An ordered set of program places, cleared in constant time. */
class Threads {
  readonly #visited: Uint32Array;
  readonly #places: Uint32Array;
  readonly #starts: Uint32Array;
  #generation = 1;
  count = 0;

  constructor(size: number) {
    this.#visited = new Uint32Array(size);
    this.#places = new Uint32Array(size);
    this.#starts = new Uint32Array(size);
  }

  clear(): void {
    this.#generation++;
    this.count = 0;
  }

  visit(place: number): boolean {
    if (this.#visited[place] === this.#generation) {
      return false;
    }
    this.#visited[place] = this.#generation;
    return true;
  }

  add(place: number, start: number): void {
    this.#places[this.count] = place;
    this.#starts[this.count] = start;
    this.count++;
  }

  at(index: number): number {
    return this.#places[index] ?? 0;
  }

  startAt(index: number): number {
    return this.#starts[index] ?? 0;
  }
}

function holds(assertion: Assertion, text: string, at: number): boolean {
  switch (assertion) {
    case 'text-start':
      return at === 0;
    case 'text-end':
      return at >= text.length;
    case 'line-start':
      return at === 0 || text[at - 1] === '\n';
    case 'line-end':
      return at >= text.length || text[at] === '\n';
    case 'word-edge':
    case 'no-word-edge': {
      const before = at > 0 && WORD(text.charCodeAt(at - 1));
      const after = at < text.length && WORD(text.charCodeAt(at));
      return (before !== after) === (assertion === 'word-edge');
    }
  }
}

function emit(pattern: Pattern, program: Instruction[]): void {
  if (program.length > PROGRAM_MAX) {
    throw new PatternError('expression too large');
  }
  switch (pattern.kind) {
    case 'empty':
      break;
    case 'char':
    case 'assert':
      program.push(pattern);
      break;
    case 'sequence':
      pattern.parts.forEach((part) => emit(part, program));
      break;
    case 'choice':
      emitChoice(pattern.options, program);
      break;
    case 'repeat':
      emitRepeat(pattern, program);
      break;
  }
}

function emitChoice(options: readonly Pattern[], program: Instruction[]): void {
  const exits: { target: number }[] = [];
  for (const [index, option] of options.entries()) {
    if (index === options.length - 1) {
      emit(option, program);
      break;
    }
    const split: Instruction & { kind: 'split' } = { kind: 'split', first: program.length + 1, second: 0 };
    program.push(split);
    emit(option, program);
    const exit: Instruction & { kind: 'jump' } = { kind: 'jump', target: 0 };
    program.push(exit);
    exits.push(exit);
    split.second = program.length;
  }
  for (const exit of exits) {
    exit.target = program.length;
  }
}

function emitRepeat(pattern: Pattern & { kind: 'repeat' }, program: Instruction[]): void {
  const { body, min, max, isLazy } = pattern;
  for (let count = 0; count < min; count++) {
    emit(body, program);
  }
  if (max === undefined) {
    const loop = program.length;
    const leave = emitOptional(body, isLazy, program);
    program.push({ kind: 'jump', target: loop });
    leave(program.length);
    return;
  }
  const leaves: ((place: number) => void)[] = [];
  for (let count = min; count < max; count++) {
    leaves.push(emitOptional(body, isLazy, program));
  }
  leaves.forEach((leave) => leave(program.length));
}

/** A body that may be passed over; the returned function says where to. */
function emitOptional(body: Pattern, isLazy: boolean, program: Instruction[]): (place: number) => void {
  const split: Instruction & { kind: 'split' } = { kind: 'split', first: 0, second: 0 };
  program.push(split);
  const enter = program.length;
  emit(body, program);
  return (place) => {
    split.first = isLazy ? place : enter;
    split.second = isLazy ? enter : place;
  };
}
