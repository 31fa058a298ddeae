/** `expand 32-byte k` in four little-endian words. */
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;
const DOUBLE_ROUNDS = 10;
const BLOCK_BYTES = 64;

/** Quarter rounds of one double round: four down the columns, four along the rows. */
const QUARTERS: readonly (readonly [number, number, number, number])[] = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
];

/** Words of HSalsa20's answer, by their place in the state. */
const SUBKEY_WORDS = [0, 5, 10, 15, 6, 7, 8, 9] as const;

/**
 * The first `length` bytes of XSalsa20's stream (Bernstein, "Extending the Salsa20 nonce", 2011).
 *
 * @param key   32 bytes
 * @param nonce 24 bytes, never used twice with one key
 */
export function xsalsa20Stream(key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array {
  const state = initialState(hsalsa20(key, nonce.subarray(0, 16)), nonce.subarray(16, 24));
  const stream = new Uint8Array(Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES);
  const view = new DataView(stream.buffer);
  const block = new Uint32Array(16);
  for (let counter = 0; counter * BLOCK_BYTES < length; counter++) {
    state[8] = counter;
    block.set(state);
    mix(block);
    for (let word = 0; word < 16; word++) {
      view.setUint32(counter * BLOCK_BYTES + word * 4, at(block, word) + at(state, word), true);
    }
  }
  return stream.subarray(0, length);
}

function hsalsa20(key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const state = initialState(key, nonce);
  mix(state);
  const subkey = new Uint8Array(32);
  const view = new DataView(subkey.buffer);
  for (const [index, word] of SUBKEY_WORDS.entries()) {
    view.setUint32(index * 4, at(state, word), true);
  }
  return subkey;
}

/** @param input 16 bytes, or 8 with the block counter left at zero */
function initialState(key: Uint8Array, input: Uint8Array): Uint32Array {
  const keyWords = words(key);
  const inputWords = words(input);
  const state = new Uint32Array(16);
  for (const [index, word] of SIGMA.entries()) {
    state[index * 5] = word;
  }
  state.set(keyWords.subarray(0, 4), 1);
  state.set(inputWords, 6);
  state.set(keyWords.subarray(4), 11);
  return state;
}

function words(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true));
}

function mix(state: Uint32Array): void {
  for (let round = 0; round < DOUBLE_ROUNDS; round++) {
    for (const [a, b, c, d] of QUARTERS) {
      state[b] = at(state, b) ^ rotated(at(state, a) + at(state, d), 7);
      state[c] = at(state, c) ^ rotated(at(state, b) + at(state, a), 9);
      state[d] = at(state, d) ^ rotated(at(state, c) + at(state, b), 13);
      state[a] = at(state, a) ^ rotated(at(state, d) + at(state, c), 18);
    }
  }
}

function rotated(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

/** Indexes here are fixed ones inside the state. */
function at(state: Uint32Array, index: number): number {
  return state[index] ?? 0;
}
