/** A copy with room for `length` items at least, and then some, so that growing one by one stays cheap. */
export function grownInt32(array: Int32Array, length: number, fill = 0): Int32Array {
  const grown = new Int32Array(roomFor(length)).fill(fill, array.length);
  grown.set(array);
  return grown;
}

export function grownFloat64(array: Float64Array, length: number): Float64Array {
  const grown = new Float64Array(roomFor(length));
  grown.set(array);
  return grown;
}

export function grownUint8(array: Uint8Array, length: number): Uint8Array {
  const grown = new Uint8Array(roomFor(length));
  grown.set(array);
  return grown;
}

function roomFor(length: number): number {
  return Math.max(16, 2 ** Math.ceil(Math.log2(length)));
}
