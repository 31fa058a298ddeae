/** The peer broke the protocol; the connection ends. */
export class SpdyError extends Error {
  override readonly name = 'SpdyError';
  readonly code = 'apiserver/spdy';
}
