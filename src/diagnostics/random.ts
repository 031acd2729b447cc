// The portable random numbers of spec section 8: a key string in, the same bits out on every machine. Everything
// random in the diagnostics (nulls, noise, perturbed axes) and in seeded inputs comes from here.

export interface PortableRandom {
  /** Next uniform in (0, 1): an odd multiple of 2^-33. */
  uniform(): number;
  /** Next `count` standard normals; an odd count draws one uniform more than it uses. */
  normals(count: number): Float64Array;
  /** A permutation of 0..n-1 (Fisher-Yates from the end). */
  permutation(n: number): Int32Array;
}

/** The 32-bit state that a key starts with: FNV-1a over its UTF-8 bytes, then fmix32. Spec section 8. */
export function randomState(key: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash >>> 0;
}

/** One stream of random numbers (mulberry32); draws come in the order they are asked for. Spec section 8. */
export function createRandom(key: string): PortableRandom {
  let state = randomState(key);

  function uniform(): number {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 0x100000000;
  }

  function normals(count: number): Float64Array {
    const out = new Float64Array(count);
    for (let i = 0; i < count; i += 2) {
      const radius = Math.sqrt(-2 * Math.log(uniform()));
      const angle = 2 * Math.PI * uniform();
      out[i] = radius * Math.cos(angle);
      if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
    }
    return out;
  }

  function permutation(n: number): Int32Array {
    const out = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i >= 1; i--) {
      const j = Math.floor(uniform() * (i + 1));
      const kept = out[i] ?? 0;
      out[i] = out[j] ?? 0;
      out[j] = kept;
    }
    return out;
  }

  return { uniform, normals, permutation };
}

/** The first `count` standard normals of a key. */
export function normals(key: string, count: number): Float64Array {
  return createRandom(key).normals(count);
}
