const POLYNOMIAL = 0xedb88320

/** A linear map of checksums: what it makes of each of the 32 bits. */
type BitMap = readonly number[]

function apply(map: BitMap, value: number): number {
  let sum = 0
  for (let bit = 0, rest = value; rest !== 0; bit++, rest >>>= 1) {
    if ((rest & 1) === 1) sum ^= map[bit] as number
  }
  return sum >>> 0
}

function twice(map: BitMap): BitMap {
  return map.map((value) => apply(map, value))
}

/** What a zero byte makes of a checksum. */
function zeroByte(): BitMap {
  const bit: number[] = [POLYNOMIAL]
  for (let n = 0; n < 31; n++) bit.push((1 << n) >>> 0)
  return twice(twice(twice(bit)))
}

/**
 * The checksum of two pieces, one behind the other: `first` is that of what stands before, seeded as
 * it may be; `second` that of the `length` bytes behind it, begun at 0. In time that grows with the
 * logarithm of the length.
 */
export function joinChecksums(first: number, second: number, length: number): number {
  let moved = first
  let map = zeroByte()
  for (let rest = length; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) moved = apply(map, moved)
    map = twice(map)
  }
  return (moved ^ second) >>> 0
}
