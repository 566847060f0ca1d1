// Real damage to the files of a copy: the same for the same seed.
import { open, stat, truncate } from 'node:fs/promises'
import { PapyraError } from '@papyra/contracts'
import { storeFiles } from './files.js'
import { randomFrom, type Random } from './random.js'

type Damage = (file: Target, random: Random) => Promise<string>

interface Target {
  readonly path: string
  readonly bytes: number
}

async function cut({ path, bytes }: Target, random: Random): Promise<string> {
  const to = Math.floor(bytes * 0.4) + random(Math.ceil(bytes * 0.55))
  await truncate(path, to)
  return `${path} was cut from ${bytes} to ${to} bytes`
}

async function flip({ path, bytes }: Target, random: Random): Promise<string> {
  const offset = random(bytes)
  const bit = random(8)
  await overwrite(path, offset, (was) => Buffer.from([(was.at(0) ?? 0) ^ (1 << bit)]))
  return `bit ${bit} of the byte at ${path}:${offset} was flipped`
}

async function spoilText({ path, bytes }: Target, random: Random): Promise<string> {
  const offset = random(Math.max(1, bytes - 2))
  // The beginning of a character of two bytes, with no second one.
  await overwrite(path, offset, () => Buffer.from([0xc3, 0x28]))
  return `the bytes c3 28, which are no UTF-8, were written at ${path}:${offset}`
}

const DAMAGES: Readonly<Record<string, Damage>> = {
  truncate: cut,
  'bit-flip': flip,
  'bad-utf8': spoilText,
}

export const FILE_DAMAGES: readonly string[] = Object.keys(DAMAGES)

/** Damages a file of records of the store; the newest one where that is what breaks in life. */
export async function damageFiles(location: string, kind: string, seed: number): Promise<string> {
  const damage = DAMAGES[kind]
  if (damage === undefined) throw new PapyraError('unsupported', `No damage is called ${kind}.`)
  const random = randomFrom(seed)
  const logs = await logFiles(location)
  const target = kind === 'truncate' ? logs.at(-1) : logs[random(logs.length)]
  if (target === undefined) throw new PapyraError('unsupported', 'There is no record to damage.')
  return damage(target, random)
}

async function logFiles(location: string): Promise<Target[]> {
  const found = await stat(location)
  if (found.isFile()) return found.size > 0 ? [{ path: location, bytes: found.size }] : []
  const files = await storeFiles(location)
  return files.filter(({ name, bytes }) => name.endsWith('.ndjson') && bytes > 0)
}

async function overwrite(
  path: string,
  offset: number,
  change: (was: Buffer) => Buffer,
): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const was = Buffer.alloc(1)
    await file.read(was, 0, 1, offset)
    const now = change(was)
    await file.write(now, 0, now.length, offset)
  } finally {
    await file.close()
  }
}
