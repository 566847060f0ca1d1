import { describe, expect, it } from 'vitest'
import { type AckMark, SLOT_BYTES } from '../../src/format/ack-mark.js'
import { newSidecar, type Sidecar } from '../../src/format/sidecar.js'
import {
  type CrashContext,
  everyCrash,
  everyFault,
  everyOmittedSync,
  flipBit,
  memVfs,
  type MemVfs,
  zeroRange,
} from '../../src/testing/index.js'
import { writeFileAtomic } from '../../src/write/atomic-write.js'
import { openMarkWriter, readMarkFile, writeMarkFile } from '../../src/write/mark-file.js'
import { readSidecarFile, writeSidecarFile } from '../../src/write/sidecar-file.js'

const LOG = '/shop.ndjson'
const MARK = `${LOG}.mark`
const META = `${LOG}.meta.json`
const mark: AckMark = { logId: 'id', generation: 2, turn: 7, acked: 10, synced: 8, offset: 999 }

function withLog(mode: number = 0o640): MemVfs {
  const vfs = memVfs()
  vfs.put(LOG, 'log', mode)
  return vfs
}

describe('writeFileAtomic', () => {
  it('shows the old or the new file at every moment, and each of its syncs is needed', async () => {
    const start = withLog()
    const scenario = async (vfs: MemVfs, say: (done: boolean) => void): Promise<void> => {
      await writeFileAtomic(vfs, LOG, 'something new')
      say(true)
    }
    const check = async (vfs: MemVfs, { witness }: CrashContext<boolean>): Promise<void> => {
      const text = vfs.bytes(LOG).toString()
      expect(witness === true ? ['something new'] : ['log', 'something new']).toContain(text)
    }
    const report = await everyCrash(scenario, check, { start, exhaustiveUpTo: 5000 })
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(15)
    expect(await everyOmittedSync(scenario, check, { start })).toEqual({ syncs: 2, unnoticed: [] })
  })

  it('leaves the old file and no temporary one when anything fails', async () => {
    const runs = await everyFault(
      () => withLog(),
      async (vfs, sound, context) => {
        const wrote = writeFileAtomic(vfs, LOG, 'something new')
        if (context === null) return await wrote
        const late = context.call.op === 'syncDir'
        // A short write is gone on with; when it stays short to the last byte it is done too.
        const heals = 'short' in context.fault && context.fault.error === undefined
        if (heals && context.fault.short > 0) return await wrote
        await expect(wrote, context.description).rejects.toMatchObject({ code: 'io_error' })
        expect(sound.bytes(LOG).toString()).toBe(late ? 'something new' : 'log')
        const unlinkFails = context.call.op === 'unlink'
        if (!unlinkFails) expect(await sound.readdir('/')).toEqual(['shop.ndjson'])
      },
      {
        faults: [
          { error: 'EIO' },
          { error: 'ENOSPC' },
          { short: 4 },
          { short: 4, error: 'ENOSPC' },
        ],
        modes: ['once'],
      },
    )
    expect(runs).toBeGreaterThanOrEqual(12)
  })
})

describe('the sidecar file', () => {
  const sidecar: Sidecar = { ...newSidecar({ logId: 'id', generation: 2, created: 5, format: 1 }) }

  it('is written with the mode of the log and read back', async () => {
    const vfs = withLog()
    expect(await readSidecarFile(vfs, LOG)).toEqual({ state: 'missing' })
    await writeSidecarFile(vfs, LOG, sidecar)
    expect(await readSidecarFile(vfs, LOG)).toEqual({ state: 'ok', sidecar })
    expect((await vfs.stat(META))?.mode).toBe(0o640)
    await writeSidecarFile(vfs, LOG, { ...sidecar, generation: 3 })
    expect(await readSidecarFile(vfs, LOG)).toMatchObject({ sidecar: { generation: 3 } })
    expect(await vfs.readdir('/')).toEqual(['shop.ndjson', 'shop.ndjson.meta.json'])
  })

  it('belongs to the owner of the log, not to who writes it', async () => {
    const vfs = withLog()
    const log = await vfs.open(LOG, 'read-write')
    await log.chown(1000, 1001)
    await writeSidecarFile(vfs, LOG, sidecar)
    expect(await vfs.stat(META)).toMatchObject({ uid: 1000, gid: 1001, mode: 0o640 })
  })

  it('has mode 0600 where there is no log', async () => {
    const vfs = memVfs()
    await writeSidecarFile(vfs, LOG, sidecar)
    expect((await vfs.stat(META))?.mode).toBe(0o600)
  })

  it('is damaged if it is no regular file, or huge, or changed', async () => {
    const vfs = withLog()
    vfs.put(META, Buffer.alloc(16 * 1024 * 1024 + 1))
    expect(await readSidecarFile(vfs, LOG)).toEqual({ state: 'damaged' })
    await vfs.unlink(META)
    vfs.special(META, 'symlink', LOG)
    expect(await readSidecarFile(vfs, LOG)).toEqual({ state: 'damaged' })
    await vfs.unlink(META)
    vfs.special(META, 'other')
    expect(await readSidecarFile(vfs, LOG)).toEqual({ state: 'damaged' })
    await vfs.unlink(META)
    await vfs.mkdir(META)
    expect(await readSidecarFile(vfs, LOG)).toEqual({ state: 'damaged' })
  })
})

describe('the mark file', () => {
  it('says the same in both slots when fresh', async () => {
    const vfs = withLog()
    expect(await readMarkFile(vfs, LOG)).toEqual({ state: 'missing' })
    await writeMarkFile(vfs, LOG, mark)
    expect((await vfs.stat(MARK))?.mode).toBe(0o640)
    const bytes = vfs.bytes(MARK)
    expect(bytes.length).toBe(2 * SLOT_BYTES)
    for (const at of [0, SLOT_BYTES]) {
      vfs.put(MARK, zeroRange(bytes, at, at + SLOT_BYTES))
      const said = await readMarkFile(vfs, LOG)
      expect(said).toMatchObject({ state: 'ok', damaged: [at], mark: { acked: 10, offset: 999 } })
    }
  })

  it('is never behind what was written when killed, and never without a word after a power cut', async () => {
    const start = withLog()
    type Said = { acked: number; synced: number }
    const scenario = async (vfs: MemVfs, say: (said: Said) => void): Promise<void> => {
      const writer = await openMarkWriter(vfs, LOG, mark)
      say({ acked: 10, synced: 10 })
      let synced = 10
      for (let n = 11; n <= 18; n++) {
        writer.write(n, 8, 999 + n)
        say({ acked: n, synced })
        if (n % 3 !== 0) continue
        await writer.sync()
        synced = n
        say({ acked: n, synced })
      }
      await writer.close(true)
      say({ acked: 18, synced: 18 })
    }
    const report = await everyCrash(
      scenario,
      async (vfs: MemVfs, { kind, witness }) => {
        if (witness === undefined) return
        const said = await readMarkFile(vfs, LOG)
        if (said.state !== 'ok') throw new Error(`the mark is ${said.state}`)
        if (kind === 'kill') expect([witness.acked, witness.acked + 1]).toContain(said.mark.acked)
        else expect(said.mark.acked).toBeGreaterThanOrEqual(witness.synced)
      },
      { start },
    )
    expect(report.failures).toEqual([])
    expect(report.states).toBeGreaterThan(50)
  })

  it('goes on in the place where the last one stopped', async () => {
    const vfs = withLog()
    const first = await openMarkWriter(vfs, LOG, mark)
    first.write(11, 8, 1000)
    first.write(12, 11, 1001)
    await first.sync()
    await first.close(true)
    const bytes = vfs.bytes(MARK)
    const said = await readMarkFile(vfs, LOG)
    expect(said).toMatchObject({ state: 'ok', damaged: [], mark: { acked: 12, synced: 11 } })
    if (said.state !== 'ok') return
    // Only synced when the file says what it should: the last writer may have been killed.
    const ops = vfs.ops
    const second = await openMarkWriter(vfs, LOG, said.mark)
    expect(vfs.ops).toBe(ops + 1)
    expect(vfs.bytes(MARK)).toEqual(bytes)
    second.write(13, 11, 1002)
    expect(await readMarkFile(vfs, LOG)).toMatchObject({ mark: { turn: said.mark.turn + 1 } })
    await second.close(false)
    await second.close(false)
  })

  it('is put in place anew if it is damaged, of another log, or says something else', async () => {
    const vfs = withLog()
    await writeMarkFile(vfs, LOG, mark)
    const sound = vfs.bytes(MARK)
    const others = [
      flipBit(sound, 800),
      flipBit(sound, 8 * SLOT_BYTES + 800),
      Buffer.concat([sound, Buffer.from('x')]),
      Buffer.concat([sound.subarray(SLOT_BYTES), sound.subarray(0, SLOT_BYTES)]),
      Buffer.alloc(0),
    ]
    for (const bytes of others) {
      vfs.put(MARK, bytes)
      await (await openMarkWriter(vfs, LOG, mark)).close(false)
      expect(await readMarkFile(vfs, LOG)).toMatchObject({ state: 'ok', damaged: [] })
    }
    await (await openMarkWriter(vfs, LOG, { ...mark, generation: 3 })).close(false)
    expect(await readMarkFile(vfs, LOG)).toMatchObject({ mark: { generation: 3 } })
    await vfs.unlink(MARK)
    vfs.special(MARK, 'symlink', LOG)
    expect(await readMarkFile(vfs, LOG)).toEqual({ state: 'damaged' })
    await (await openMarkWriter(vfs, LOG, mark)).close(false)
    expect(await readMarkFile(vfs, LOG)).toMatchObject({ state: 'ok', damaged: [] })
    expect(vfs.bytes(LOG).toString()).toBe('log')
  })
})
