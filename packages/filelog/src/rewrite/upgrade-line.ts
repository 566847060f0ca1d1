import { Buffer } from 'node:buffer'
import { checksum, hex8 } from '../format/checksum.js'
import { secondsText } from '../format/frame.js'
import { splitMembers } from './member-splitter.js'

/** Members that the new line states itself. */
const OURS = new Set(['seq', 'kind', 'timestamp', 'crc'])

/** The key behind its spelling in the file: an escape must not hide a name of ours. */
function keyOf(rawKey: string): string {
  if (!rawKey.includes('\\')) return rawKey
  try {
    return JSON.parse(`"${rawKey}"`) as string
  } catch {
    return rawKey
  }
}

/** True if these bytes are a number as JSON spells it, which a reader finds again. */
function isNumber(text: string): boolean {
  return text.length < 40 && /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)
}

/**
 * The checksummed line, end included, for the plain record `line`. Its `kind` and `timestamp` are
 * taken over, every other member is copied byte for byte, big integers and doubled keys too;
 * `seq` and `crc` of the plain line, if it has any, go. `null` if it is not an object with a kind.
 */
export function upgradeLine(line: Buffer, seq: number, seed: number): Buffer | null {
  const members = splitMembers(line, 0, line.length)
  if (members === null) return null
  let kind: string | null = null
  let time: string = secondsText(0)
  const rest: Buffer[] = []
  for (const { rawKey, start, valueStart, end } of members) {
    const key = keyOf(rawKey)
    if (!OURS.has(key)) rest.push(Buffer.from(','), line.subarray(start, end))
    const value = line.subarray(valueStart, end)
    // As everywhere in JSON, the last one of doubled members counts.
    if (key === 'kind') kind = kindOf(value)
    if (key === 'timestamp' && isNumber(value.toString('latin1'))) time = value.toString('latin1')
  }
  if (kind === null) return null
  const open = Buffer.concat([
    Buffer.from(`{"seq":${seq},"kind":"${kind}","timestamp":${time}`),
    ...rest,
  ])
  return Buffer.concat([open, Buffer.from(`,"crc":"${hex8(checksum(open, seed))}"}\n`)])
}

function kindOf(value: Buffer): string | null {
  try {
    const kind = JSON.parse(value.toString()) as unknown
    if (typeof kind !== 'string' || kind === '' || kind.startsWith('_')) return null
    return JSON.stringify(kind) === `"${kind}"` ? kind : null
  } catch {
    return null
  }
}
