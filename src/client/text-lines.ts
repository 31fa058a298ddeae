/** Longest line accepted, in characters: several times the largest object a server stores. */
const LINE_MAX = 64 * 1024 * 1024;

/**
 * Splits a stream of bytes into its lines of text, empty ones left out.
 *
 * @throws {RangeError} when a line does not end in time
 */
export async function* textLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let open = '';
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    if (!text.includes('\n')) {
      open += text;
      if (open.length > LINE_MAX) {
        throw new RangeError(`a line of the answer is longer than ${LINE_MAX} characters`);
      }
      continue;
    }
    const lines = (open + text).split('\n');
    open = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
  if (open !== '') {
    yield open;
  }
}
