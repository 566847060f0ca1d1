import { describe, test } from 'vitest'
import type { StoredRecord } from '@papyra/contracts'
import { memVfs, type CrashContext, type MemVfs } from '../../src/testing/index.js'
import { isMarked, missesEachSync, says, seenIn, settled, type Early } from './omitted-syncs.js'
import { bySeq, fact, filled, holds, LOG, open, readAll } from './support.js'

const keepLate = ({ seq }: { readonly seq: number }): boolean => seq > 4

interface Left {
  readonly start: MemVfs
  readonly before: readonly StoredRecord[]
}

/** What a kill leaves of a compaction at rest, just before the operation `at`. */
async function killedBefore(at: (name: string, path: string) => boolean): Promise<Left> {
  const vfs = memVfs()
  const before = await filled(vfs, 9)
  const store = await open(vfs)
  let start: MemVfs | undefined
  vfs.onOp = ({ name, path }, half) => {
    if (!half && at(name, path)) start ??= vfs.clone()
  }
  await store.compact({ plan: () => Promise.resolve(keepLate) })
  await store.close()
  if (start === undefined) throw new Error('the compaction did not come there')
  return { start: await settled(start), before }
}

/** Before the rename of the log; behind it, not synced; and behind the sidecar that follows. */
function untilRename(): Promise<Left> {
  return killedBefore((name, path) => name === 'rename' && path === LOG)
}
function untilSync(): Promise<Left> {
  let renamed = false
  return killedBefore((name, path) => {
    const due = renamed
    renamed ||= name === 'rename' && path === LOG
    return due
  })
}
function untilMark(): Promise<Left> {
  return killedBefore((name, path) => name === 'create' && path.startsWith(`${LOG}.mark`))
}

interface Said {
  readonly acked: ReadonlyMap<number, string>
  readonly marked: number
}

async function begin(vfs: MemVfs, say: (said: Said) => void): Promise<void> {
  const store = await open(vfs)
  const marked = (await store.begin()).nextSeq - 1
  say({ acked: bySeq(await readAll(store)), marked })
  await store.append([fact(100)])
  say({ acked: bySeq(await readAll(store)), marked })
  vfs.kill()
}

/** The generation before the compaction, or that behind it; once begun, the same for ever. */
async function oneOfBoth(
  vfs: MemVfs,
  context: CrashContext<Said>,
  before: readonly StoredRecord[],
): Promise<void> {
  const { witness } = context
  const seen = await seenIn(vfs)
  if (witness !== undefined) {
    await says(vfs, 'owned')
    await isMarked(vfs, witness.marked)
  }
  const either = bySeq(seen.has(1) ? before : before.filter(keepLate))
  await holds(vfs, context, { acked: witness?.acked ?? either })
}

const LOG_SYNCED: Early = {
  sync: 'datasync shop.ndjson',
  why: 'whichever log is in place, its bytes were synced before',
}
const MARK_SYNCED: Early = {
  sync: 'datasync shop.ndjson.mark',
  why: 'the mark was synced when it was put in place',
}

const MARK_SOON: Early = {
  sync: 'syncDir behind rename shop.ndjson.mark',
  why: 'the folder is synced again behind the sidecar that announces the owner',
}
const SIDECAR = 'syncDir behind rename shop.ndjson.meta.json'

const BEFORE_RENAME: readonly Early[] = [
  {
    sync: 'syncDir behind unlink shop.ndjson.*.tmp',
    why: 'a temporary file that comes back is removed by the next owner',
  },
  {
    sync: SIDECAR,
    why: 'of the withdrawn announcement: the sidecar that announces the owner follows',
  },
  LOG_SYNCED,
  MARK_SYNCED,
]

const BEHIND_RENAME: readonly Early[] = [
  { sync: SIDECAR, why: 'of the settled sidecar: the folder is synced again behind the mark' },
  MARK_SOON,
  LOG_SYNCED,
  { sync: `${SIDECAR}, 2`, why: 'the settled sidecar already says that the store has an owner' },
  MARK_SYNCED,
]

describe('begin behind a compaction that was killed: each sync left out in turn is missed', () => {
  test.each([
    { where: 'before the rename', left: untilRename, early: BEFORE_RENAME },
    { where: 'behind the rename', left: untilSync, early: BEHIND_RENAME },
    {
      where: 'behind the settled sidecar',
      left: untilMark,
      early: [MARK_SOON, LOG_SYNCED, MARK_SYNCED],
    },
  ])('$where', async ({ left, early }) => {
    const { start, before } = await left()
    const check = (vfs: MemVfs, context: CrashContext<Said>): Promise<void> =>
      oneOfBoth(vfs, context, before)
    await missesEachSync<Said>(start, begin, check, early)
  })
})
