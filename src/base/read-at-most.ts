/**
 * Reads a stream to its end and returns its bytes. Once more than `bytesMax` of them have come, the stream is destroyed
 * and what `tooLong` makes is thrown; errors of the stream are thrown as they are.
 */
export async function readAtMost(
  stream: AsyncIterable<Uint8Array>,
  bytesMax: number,
  tooLong: (bytesMax: number) => Error = answerTooLong,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > bytesMax) {
      throw tooLong(bytesMax);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function answerTooLong(bytesMax: number): Error {
  return new Error(`the answer is longer than ${bytesMax} bytes`);
}
