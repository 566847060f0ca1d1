import { Buffer } from 'node:buffer'
import { applyDirOp, type DirOp, type MemDisk } from './mem-disk.js'
import type { FileOp, MemInode } from './mem-inode.js'
import { Random } from './random.js'

export interface CrashOptions {
  /** If there are at most so many combinations, all are given. Default 128. */
  readonly exhaustiveUpTo?: number
  /** Otherwise the corner cases and so many random ones. Default 32. */
  readonly samples?: number
  /** Seed of the random ones. Default 1. */
  readonly seed?: number
}

/**
 * What became of one unsynced write: `old` nothing, `new` all, `front` its first `bytes`, `back` all
 * but those, `front-zero` its first `bytes` and zeros behind them. A truncation is `old` or `new`.
 */
interface Fate {
  readonly kind: 'old' | 'new' | 'front' | 'back' | 'front-zero'
  readonly bytes: number
}

/** One thing whose fate is open: an unsynced operation on a file, or a change of a folder. */
interface Open {
  readonly inode: MemInode | null
  readonly op: FileOp | DirOp
}

const OLD: Fate = { kind: 'old', bytes: 0 }
const NEW: Fate = { kind: 'new', bytes: 0 }

function fatesOf({ op }: Open): readonly Fate[] {
  if (op.kind !== 'write') return [OLD, NEW]
  const half = op.data.length >>> 1
  const torn: readonly Fate[] = [
    { kind: 'front', bytes: half },
    { kind: 'back', bytes: half },
    { kind: 'front-zero', bytes: half },
  ]
  return [OLD, NEW, { kind: 'front-zero', bytes: 0 }, ...(half > 0 ? torn : [])]
}

function randomFate({ op }: Open, random: Random): Fate {
  if (op.kind !== 'write') return random.pick([OLD, NEW])
  const kind = random.pick(['old', 'new', 'new', 'front', 'back', 'front-zero'] as const)
  return { kind, bytes: random.below(op.data.length + 1) }
}

function applyFate(before: Buffer, op: FileOp, fate: Fate): Buffer {
  if (fate.kind === 'old') return before
  if (op.kind === 'truncate') {
    const kept = before.subarray(0, op.size)
    return Buffer.concat([kept, Buffer.alloc(op.size - kept.length)])
  }
  const [from, to] =
    fate.kind === 'front'
      ? [0, fate.bytes]
      : fate.kind === 'back'
        ? [fate.bytes, op.data.length]
        : [0, op.data.length]
  if (from === to) return before
  const after = Buffer.alloc(Math.max(before.length, op.at + to))
  before.copy(after)
  op.data.copy(after, op.at + from, from, to)
  if (fate.kind === 'front-zero') after.fill(0, op.at + fate.bytes, op.at + to)
  return after
}

function syncedBytes(inode: MemInode): Buffer {
  const copy = inode.clone()
  while (copy.pending.length > 0) copy.undo()
  return copy.content()
}

function build(disk: MemDisk, open: readonly Open[], fates: readonly Fate[]): MemDisk {
  const after = disk.clone(`${disk.bootId}+`)
  after.pending = []
  for (const inode of after.inodes.values()) {
    inode.entries = new Map(inode.syncedEntries)
    if (inode.pending.length === 0) continue
    let bytes = syncedBytes(inode)
    for (const [i, item] of open.entries()) {
      if (item.inode?.id === inode.id) {
        bytes = applyFate(bytes, item.op as FileOp, fates[i] as Fate)
      }
    }
    inode.load(bytes)
  }
  for (const [i, item] of open.entries()) {
    if (item.inode === null && fates[i] === NEW) {
      applyDirOp((id) => after.inode(id).entries, item.op as DirOp)
    }
  }
  for (const inode of after.inodes.values()) inode.syncedEntries = new Map(inode.entries)
  return after
}

function* combinations(choices: readonly (readonly Fate[])[]): Generator<Fate[]> {
  const at = choices.map(() => 0)
  for (;;) {
    yield at.map((n, i) => choices[i]?.[n] as Fate)
    let i = at.length - 1
    while (i >= 0 && at[i] === (choices[i]?.length ?? 0) - 1) at[i--] = 0
    if (i < 0) return
    at[i] = (at[i] as number) + 1
  }
}

function* sampled(open: readonly Open[], random: Random, samples: number): Generator<Fate[]> {
  const all = (fate: Fate): Fate[] => open.map(() => fate)
  yield all(OLD)
  yield all(NEW)
  // Each alone missing, each alone there, and the newest few prefixes.
  for (const i of open.keys()) {
    if (i < open.length - 8) continue
    yield all(NEW).with(i, OLD)
    yield all(OLD).with(i, NEW)
    yield open.map((_, j) => (j <= i ? NEW : OLD))
  }
  for (let n = 0; n < samples; n++) yield open.map((item) => randomFate(item, random))
}

function describe(open: readonly Open[], fates: readonly Fate[]): string {
  const said = open.map(({ inode, op }, i) => {
    const { kind, bytes } = fates[i] as Fate
    const fate = kind === 'old' || kind === 'new' ? kind : `${kind} ${bytes}`
    if (op.kind === 'write') return `write ${op.at}+${op.data.length} of #${inode?.id}: ${fate}`
    if (op.kind === 'truncate') return `truncate ${op.size} of #${inode?.id}: ${fate}`
    return `${op.kind} ${op.name}${op.kind === 'rename' ? ` to ${op.toName}` : ''}: ${fate}`
  })
  return said.length === 0 ? 'everything was synced' : said.join(', ')
}

/**
 * Which disks a power cut at this moment may leave. Synced bytes and names are always there. Each
 * unsynced write may be missing, there, torn at any byte (either part), or there as zeros; each
 * unsynced change of a folder may be there or not, whatever became of those before it.
 */
export function* crashStates(
  disk: MemDisk,
  options: CrashOptions = {},
): Generator<{ disk: MemDisk; description: string }> {
  const { exhaustiveUpTo = 128, samples = 32, seed = 1 } = options
  const open: Open[] = [...disk.inodes.values()].flatMap((inode) =>
    inode.pending.map((op) => ({ inode, op })),
  )
  open.push(...disk.pending.map((op) => ({ inode: null, op })))
  const choices = open.map(fatesOf)
  const count = choices.reduce((product, fates) => product * fates.length, 1)
  const states =
    count <= exhaustiveUpTo ? combinations(choices) : sampled(open, new Random(seed), samples)
  for (const fates of states) {
    yield { disk: build(disk, open, fates), description: describe(open, fates) }
  }
}
