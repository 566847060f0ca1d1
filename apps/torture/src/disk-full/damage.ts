import { basename, dirname, join } from 'node:path'
import type { Vfs } from '@papyra/filelog'
import type { StoreKind } from '../kinds.js'
import type { Disk } from './disk.js'

async function readWhole(vfs: Vfs, path: string): Promise<Buffer> {
  const file = await vfs.open(path, 'read')
  try {
    const bytes = Buffer.alloc((await file.stat()).size)
    for (let at = 0; at < bytes.length; ) {
      const n = await file.read(bytes, at, bytes.length - at, at)
      if (n === 0) throw new Error(`${path} ended early`)
      at += n
    }
    return bytes
  } finally {
    await file.close()
  }
}

async function filesIn(vfs: Vfs, dir: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await vfs.readdir(dir)) {
    const path = join(dir, name)
    const type = (await vfs.stat(path))?.type
    if (type === 'file') found.push(path)
    if (type === 'directory') found.push(...(await filesIn(vfs, path)))
  }
  return found
}

export interface Damaged {
  /** True if the damaged line still stands in some file. */
  isKept(): Promise<boolean>
}

/** Flips one bit in the payload of the record `seq` of a closed store. */
export async function damage(
  kind: StoreKind,
  { vfs }: Disk,
  store: string,
  seq: number,
): Promise<Damaged> {
  const start = `{"seq":${seq},"kind":"event"`
  const folder = kind === 'json' ? dirname(store) : store
  const own = kind === 'json' ? basename(store) : ''
  const files = async (): Promise<string[]> =>
    (await filesIn(vfs, folder)).filter((path) => path.includes(own))
  for (const path of (await files()).filter((name) => name.endsWith('.ndjson'))) {
    const bytes = await readWhole(vfs, path)
    const at = bytes.indexOf(start)
    if (at < 0) continue
    const end = bytes.indexOf(10, at)
    const place = end - 40
    bytes[place] = (bytes[place] ?? 0) ^ 2
    const line = Buffer.from(bytes.subarray(at, end))
    const file = await vfs.open(path, 'read-write')
    await file.write(bytes, place, 1, place)
    await file.sync()
    await file.close()
    return {
      async isKept() {
        for (const name of await files()) {
          if ((await readWhole(vfs, name)).includes(line)) return true
        }
        return false
      },
    }
  }
  throw new Error(`there is no record ${seq} in ${store}`)
}
