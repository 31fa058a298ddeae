import { posix } from 'node:path';

/** Where a proxied page is, seen from both sides. */
export interface ProxiedPlace {
  /** The path that stands for the proxied server's root. */
  readonly prefix: string;
  /** The name under which the client reached this server. */
  readonly host: string;
  /** The proxied server, `address:port`. */
  readonly targetHost: string;
}

/** An address of the proxied server itself, led through the proxy; others as they are. */
export function proxiedAddress(address: string, { prefix, host, targetHost }: ProxiedPlace): string {
  const match = /^(?:(?:[a-z][a-z0-9+.-]*:)?\/\/([^/?#]*))?(\/[^?#]*)([^]*)$/i.exec(address);
  if (match === null) {
    return address;
  }
  const [, named, path = '', rest = ''] = match;
  if (named !== undefined && named !== host && named !== targetHost && named !== hostname(targetHost)) {
    return address;
  }
  return `${path.startsWith(prefix) ? path : posix.join(prefix, path)}${rest}`;
}

function hostname(host: string): string {
  return host.replace(/:\d+$/, '');
}

/** Attributes that hold addresses, by element. */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

/** Elements whose content is text, whatever it looks like. */
const TEXT_ELEMENTS: ReadonlySet<string> = new Set(['script', 'style', 'textarea', 'title', 'xmp']);

/** A tag or comment longer than this is passed on unread. */
const TAG_CHARS_MAX = 64 * 1024;

const TAG = /<([a-z][^\s/>]*)((?:"[^"]*"|'[^']*'|[^'">])*)>/iy;
const ATTRIBUTE =
  /(?<name>[^\s"'<>/=]+)(?<sign>\s*=\s*)(?:"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<bare>[^\s"'=<>`]+))/g;

/** A page whose links go through the proxy, chunk by chunk; bytes outside links stay what they are. */
export async function* withProxiedLinks(
  chunks: AsyncIterable<Uint8Array>,
  rewrite: (address: string) => string,
): AsyncGenerator<Uint8Array> {
  const page = new PageRewriter(rewrite);
  for await (const chunk of chunks) {
    // A byte is a character: only ASCII is looked at.
    const text = page.push(Buffer.from(chunk).toString('latin1'), false);
    if (text !== '') {
      yield Buffer.from(text, 'latin1');
    }
  }
  yield Buffer.from(page.push('', true), 'latin1');
}

class PageRewriter {
  readonly #rewrite: (address: string) => string;
  /** Read and not yet decided about: the beginning of a tag. */
  #rest = '';
  /** The element whose end is waited for. */
  #textElement: string | undefined;

  constructor(rewrite: (address: string) => string) {
    this.#rewrite = rewrite;
  }

  push(text: string, isLast: boolean): string {
    const input = this.#rest + text;
    let output = '';
    let position = 0;
    while (position < input.length) {
      const begin = this.#nextTag(input, position);
      output += input.slice(position, begin);
      position = begin;
      const part = begin === input.length ? undefined : this.#readTag(input, begin);
      if (part === undefined) {
        break;
      }
      output += part.text;
      position = part.end;
    }
    this.#rest = input.slice(position);
    if (isLast || this.#rest.length > TAG_CHARS_MAX) {
      output += this.#rest;
      this.#rest = '';
    }
    return output;
  }

  #nextTag(input: string, from: number): number {
    const begin = input.indexOf('<', from);
    return begin === -1 ? input.length : begin;
  }

  /** What stands at a `<`; undefined while its end has not come. */
  #readTag(input: string, begin: number): { readonly text: string; readonly end: number } | undefined {
    if (this.#textElement !== undefined) {
      const closing = `</${this.#textElement}`;
      const found = input.slice(begin, begin + closing.length).toLowerCase();
      if (found.length < closing.length && closing.startsWith(found)) {
        return undefined;
      }
      if (found === closing) {
        this.#textElement = undefined;
      }
      return { text: '<', end: begin + 1 };
    }
    if ('<!--'.startsWith(input.slice(begin, begin + 4))) {
      const end = input.indexOf('-->', begin);
      return end === -1 ? undefined : { text: input.slice(begin, end + 3), end: end + 3 };
    }
    TAG.lastIndex = begin;
    const [tag, name = '', attributes = ''] = TAG.exec(input) ?? [];
    if (tag === undefined) {
      return /^<(?:[a-z]|$)/i.test(input.slice(begin, begin + 2)) ? undefined : { text: '<', end: begin + 1 };
    }
    const element = name.toLowerCase();
    if (TEXT_ELEMENTS.has(element) && !attributes.endsWith('/')) {
      this.#textElement = element;
    }
    return { text: `<${name}${this.#attributes(element, attributes)}>`, end: begin + tag.length };
  }

  #attributes(element: string, text: string): string {
    const names = Object.hasOwn(ADDRESSES, element) ? (ADDRESSES[element] ?? []) : [];
    if (names.length === 0) {
      return text;
    }
    let output = '';
    let position = 0;
    for (const { index, 0: whole, groups = {} } of text.matchAll(ATTRIBUTE)) {
      const { name = '', sign = '', double, single, bare = '' } = groups;
      const address = double ?? single ?? bare;
      const rewritten = names.includes(name.toLowerCase()) ? this.#rewrite(address) : address;
      const quote = single === undefined ? '"' : "'";
      output += text.slice(position, index);
      output += rewritten === address ? whole : `${name}${sign}${quote}${rewritten}${quote}`;
      position = index + whole.length;
    }
    return output + text.slice(position);
  }
}
