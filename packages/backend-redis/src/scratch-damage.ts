// What drills do to the entries of a copy.
import type { Connection } from './connection.js'
import { bytes, list, text } from './entry.js'
import type { Keys } from './keys.js'
import type { RedisBackendOptions } from './options.js'
import { connectionTo, placeOf } from './place.js'
import type { Reply } from './wire.js'

export type EntryDamage = 'bit-flip' | 'bad-utf8'

/** Never the first byte of a sequence in UTF-8. */
const NO_UTF8: Buffer = Buffer.from([0xc0, 0xaf])

/**
 * Changes the text of one entry of the first stream that has any, as a damaged file of the server
 * would: no command does that, so the stream is written anew with the entry changed.
 */
export async function alterEntry(
  options: RedisBackendOptions,
  how: EntryDamage,
  seed: number,
): Promise<string> {
  const place = placeOf(options)
  const connection = connectionTo(place)
  try {
    const found = await firstFilled(connection, place.keys)
    if (found === null) return 'nothing was changed: there are no entries'
    const { key, entries } = found
    const at = seed % entries.length
    const copy = `${key}:altered`
    for (const [n, entry] of entries.entries()) {
      const [id = null, fields = null] = list(entry)
      const [mark, record] = list(fields).map(bytes) as [Buffer, Buffer]
      const changed = n === at ? alter(record, how, seed) : record
      await connection.ask('XADD', copy, text(id), mark, changed)
    }
    await connection.ask('RENAME', copy, key)
    return `${WORDS[how]} the entry ${text(list(entries[at] ?? null)[0])} of ${key}`
  } finally {
    connection.close()
  }
}

const WORDS: Readonly<Record<EntryDamage, string>> = {
  'bit-flip': 'a bit was flipped in',
  'bad-utf8': 'bytes that are no UTF-8 were written into',
}

async function firstFilled(
  connection: Connection,
  { streams }: Keys,
): Promise<{ readonly key: string; readonly entries: readonly Reply[] } | null> {
  for (const key of streams) {
    const entries = list(await connection.ask('XRANGE', key, '-', '+'))
    if (entries.length > 0) return { key, entries }
  }
  return null
}

function alter(record: Buffer, how: EntryDamage, seed: number): Buffer {
  const changed = Buffer.from(record)
  const place = seed % Math.max(1, changed.length - NO_UTF8.length)
  if (how === 'bad-utf8') NO_UTF8.copy(changed, place)
  else changed[place] = (changed[place] ?? 0) ^ (1 << (seed % 7))
  return changed
}
