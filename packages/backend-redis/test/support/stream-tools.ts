import type { Redis } from 'ioredis'

/** An entry of a stream as text: its id and its fields. */
export type RawEntry = readonly [id: string, fields: readonly string[]]

/** Writes a stream anew with other entries: how damage in its middle is planted. */
export async function rewriteStream(
  client: Redis,
  key: string,
  change: (entries: RawEntry[]) => readonly RawEntry[],
): Promise<void> {
  const entries = await client.xrange(key, '-', '+')
  const changed = change(entries)
  await client.del(key)
  for (const [id, fields] of changed) await client.xadd(key, id, ...fields)
}

/** The entry with another mark or text. */
export function changed(
  [id, [mark = '', text = '']]: RawEntry,
  change: { readonly mark?: (mark: string) => string; readonly text?: (text: string) => string },
): RawEntry {
  return [id, [change.mark?.(mark) ?? mark, change.text?.(text) ?? text]]
}
