import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { manifestPath } from '../../src/segments/names.js'
import { scanSegments } from '../../src/segments/scan-segments.js'
import {
  cutAt,
  deleteLine,
  duplicateLine,
  flipBit,
  lineRanges,
  swapLines,
  zeroRange,
  type MemVfs,
} from '../../src/testing/index.js'
import { Random } from '../../src/testing/random.js'
import {
  buildSegment,
  buildStore,
  DIR,
  lostNumbers,
  putStore,
  short,
  USUAL,
} from './build-store.js'

const RUNS = Number(process.env['PAPYRA_RUNS'] ?? 600)
const SEED = Number(process.env['PAPYRA_SEED'] ?? 1)

type Change = (bytes: Buffer, random: Random) => Buffer

const CHANGES: Readonly<Record<string, Change>> = {
  flip: (bytes, random) => flipBit(bytes, random.below(bytes.length * 8)),
  cut: (bytes, random) => cutAt(bytes, random.below(bytes.length)),
  zero: (bytes, random) => {
    const at = random.below(bytes.length)
    return zeroRange(bytes, at, Math.min(bytes.length, at + 1 + random.below(400)))
  },
  delete: (bytes, random) => deleteLine(bytes, random.below(lineRanges(bytes).length)),
  double: (bytes, random) => duplicateLine(bytes, random.below(lineRanges(bytes).length)),
  swap: (bytes, random) => {
    const lines = lineRanges(bytes).length
    const a = random.below(lines)
    const b = random.below(lines)
    return a === b ? bytes : swapLines(bytes, Math.min(a, b), Math.max(a, b))
  },
  empty: () => Buffer.alloc(0),
}

/** Damages one or two files of a store; says how. */
async function damage(vfs: MemVfs, paths: readonly string[], random: Random): Promise<string> {
  const pick = (): string => paths[random.below(paths.length)] as string
  const said: string[] = []
  for (let n = 1 + random.below(2); n > 0; n--) {
    const path = pick()
    if ((await vfs.stat(path)) === null) continue
    const what = random.below(12)
    const bytes = vfs.bytes(path)
    if (what === 0) await vfs.unlink(path)
    else if (what === 1) await vfs.rename(path, `${DIR}/moved-${n}.ndjson`)
    else if (what === 2) {
      const other = pick()
      const there = (await vfs.stat(other)) === null ? Buffer.alloc(0) : vfs.bytes(other)
      vfs.put(path, there)
      vfs.put(other, bytes)
      said.push(`with ${other.slice(-30)}`)
    } else if (what === 3) await vfs.unlink(manifestPath(DIR)).catch(() => undefined)
    else if (bytes.length > 0) {
      const names = Object.keys(CHANGES)
      const name = names[random.below(names.length)] as string
      vfs.put(path, (CHANGES[name] as Change)(bytes, random))
      said.push(name)
    }
    said.push(`${what} ${path.slice(-30)}`)
  }
  return said.join(', ')
}

/** Which records stand anywhere in the folder, as whole text. */
async function present(vfs: MemVfs, json: ReadonlyMap<number, string>): Promise<Set<number>> {
  const texts: string[] = []
  for (const name of await vfs.readdir(DIR))
    if (name.endsWith('.ndjson')) texts.push(vfs.bytes(`${DIR}/${name}`).toString('latin1'))
  return new Set(
    [...json].filter(([, text]) => texts.some((all) => all.includes(text))).map(([seq]) => seq),
  )
}

describe('damage at random', () => {
  it(`is never called clean, and what is lost is named (seed ${SEED})`, async () => {
    const compacted = (seq: number): boolean => seq % 3 !== 0
    const plans = [
      { ...(USUAL.segments[0] as object), firstSeq: 1, lastSeq: 10 },
      { firstSeq: 11, lastSeq: 20, generation: 2, keeps: compacted },
      { firstSeq: 21, lastSeq: 30 },
      { firstSeq: 31, lastSeq: 37 },
    ]
    const store = buildStore({ segments: plans })
    const paths = store.segments.map(({ path }) => path)
    const untouched = await putStore(store)
    for (let run = 0; run < RUNS; run++) {
      const random = new Random(SEED * 100_000 + run)
      const vfs = untouched.clone()
      const said = `run ${run}: ${await damage(vfs, paths, random)}`
      const same = vfs.fingerprint() === untouched.fingerprint()
      const scan = await scanSegments(vfs, DIR)
      const why = `${said}\n${short(scan).join('\n')}`
      expect(scan.anomalies.length === 0, why).toBe(same)
      if (scan.store === null) continue
      const there = await present(vfs, store.json)
      const { named, unnamed } = lostNumbers(scan)
      const first = scan.rebuilt ? (scan.store.segments[0] ?? scan.store.active).firstSeq : 1
      const gone = [...store.json.keys()].filter((seq) => !there.has(seq) && seq >= first)
      const claimed = new Set(named)
      // Without a manifest nothing tells what compaction had dropped of a segment that is gone.
      const wrong = named.filter((seq) => there.has(seq) && store.json.has(seq))
      expect(wrong, `claimed though there\n${why}`).toEqual([])
      const silent = gone.filter((seq) => !claimed.has(seq))
      expect(silent.length, `not claimed: ${silent.join(' ')}\n${why}`).toBeLessThanOrEqual(unnamed)
      const extra = named.filter((seq) => !store.json.has(seq))
      if (!scan.rebuilt) {
        expect(extra, `claimed though never there\n${why}`).toEqual([])
        expect(unnamed, why).toBe(silent.length)
      }
    }
  })

  it('is found where a segment of another generation takes the place of one', async () => {
    const later = buildSegment({ firstSeq: 11, lastSeq: 20, generation: 3, keeps: (n) => n > 15 })
    const store = buildStore()
    const vfs = await putStore(store)
    vfs.put(store.segments[1]?.path ?? '', later.bytes)
    const scan = await scanSegments(vfs, DIR)
    expect(scan.anomalies.length).toBeGreaterThan(0)
    expect(lostNumbers(scan)).toEqual({ named: [], unnamed: 5 })
  })
})
