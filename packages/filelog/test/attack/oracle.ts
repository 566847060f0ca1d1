import type { Buffer } from 'node:buffer'
import type { RecordedLoss, RecoveryReport, StoredRecord } from '@papyra/contracts'
import type { LogStore } from '../../src/index.js'
import type { MemVfs } from '../../src/testing/index.js'
import { bySeq, fact, LOG, open, readAll } from '../rewrite/support.js'

/** What a log held before it was damaged, by number, and up to which number it was acknowledged. */
export interface Truth {
  readonly records: ReadonlyMap<number, string>
  readonly acked: number
}

/** The records whose bytes still stand as a whole line, but for blanks around it. */
export function wholeLines(bytes: Buffer, truth: Truth): Map<number, string> {
  const lines = new Set(
    bytes
      .toString('utf8')
      .split('\n')
      .map((line) => line.replace(/^[\uFEFF\r\t ]+|[\r\t ]+$/g, '')),
  )
  return new Map([...truth.records].filter(([, json]) => lines.has(json)))
}

function claims(losses: readonly RecordedLoss[]): { named: Set<number>; vague: RecordedLoss[] } {
  const named = new Set<number>()
  const vague: RecordedLoss[] = []
  for (const loss of losses) {
    if (loss.seq === null || loss.seq.last - loss.seq.first + 1 !== loss.records) vague.push(loss)
    else for (let n = loss.seq.first; n <= loss.seq.last; n++) named.add(n)
  }
  return { named, vague }
}

/** What is wrong with the losses that were claimed, given what is there and what was. */
function judgeLosses(
  report: RecoveryReport,
  there: ReadonlyMap<number, string>,
  truth: Truth,
): string[] {
  const lost = [...truth.records.keys()].filter((seq) => !there.has(seq))
  const { named, vague } = claims(report.losses)
  const out = [...named]
    .filter((seq) => !lost.includes(seq))
    .map((seq) => `${seq} is claimed as lost`)
  const unnamed = lost.filter((seq) => !named.has(seq))
  const within = (seq: number): boolean =>
    vague.some((loss) => loss.seq === null || (loss.seq.first <= seq && seq <= loss.seq.last))
  out.push(
    ...unnamed.filter((seq) => !within(seq)).map((seq) => `the loss of ${seq} is not reported`),
  )
  const counted = vague.reduce((n, loss) => n + loss.records, 0)
  if (counted !== unnamed.length)
    out.push(`${counted} unnamed losses reported, ${unnamed.length} there are`)
  return out
}

function judgeRecords(
  read: readonly StoredRecord[],
  must: ReadonlyMap<number, string>,
  truth: Truth,
): string[] {
  const there = bySeq(read)
  const out = [...must]
    .filter(([seq, json]) => there.get(seq) !== json)
    .map(([seq]) => `${seq} is gone or changed`)
  for (const { seq, json } of read)
    if (truth.records.get(seq) !== json) out.push(`${seq} was never there`)
  if (read.some(({ seq }, i) => seq <= (read[i - 1]?.seq ?? 0))) out.push('not in order')
  return out
}

/** The bytes of each stretch in `.removed` files must be those of the damaged log. */
function judgeAside(vfs: MemVfs, report: RecoveryReport, damaged: Buffer): string[] {
  const out: string[] = []
  for (const path of report.keptAside) {
    const bytes = vfs.bytes(path)
    for (let at = 0; at < bytes.length; ) {
      const lf = bytes.indexOf(0x0a, at)
      const { offset, length } = JSON.parse(bytes.toString('utf8', at, lf)) as {
        offset: number
        length: number
      }
      const body = bytes.subarray(lf + 1, lf + 1 + length)
      if (!body.equals(damaged.subarray(offset, offset + length)))
        out.push(`aside ${offset} differs`)
      at = lf + 1 + length + 1
    }
  }
  return out
}

async function newest(store: LogStore): Promise<string[]> {
  const out: string[] = []
  for await (const { json } of store.read({ order: 'newest' })) out.push(json)
  return out.reverse()
}

async function goesOn(store: LogStore, truth: Truth, before: number): Promise<string[]> {
  const out: string[] = []
  const { nextSeq } = await store.begin()
  if (nextSeq <= truth.acked) out.push(`${nextSeq} is given again`)
  for (let n = 0; n < 4; n++) await store.append([fact(n, 200)])
  if ((await readAll(store)).length !== before + 4) out.push('what was appended is not all there')
  return out
}

/** Recovers a damaged, once cleanly closed log and says all that should not be as it is. */
export async function complaints(vfs: MemVfs, damaged: Buffer, truth: Truth): Promise<string[]> {
  const out: string[] = []
  const store = await open(vfs)
  try {
    const scan = await store.scan()
    if (scan.clean) out.push('found clean')
    const { acceptLoss, force } = scan.consent
    if (acceptLoss) {
      const error: unknown = await store.recover({ mode: 'repair', force }).catch((e: unknown) => e)
      if ((error as { code?: string }).code !== 'accept_loss_required')
        out.push('a loss needed no consent')
    }
    const report = await store.recover({ mode: 'repair', acceptLoss, force })
    if (report.after?.clean !== true) out.push('not clean afterwards')
    const read = await readAll(store)
    out.push(...judgeRecords(read, wholeLines(damaged, truth), truth))
    out.push(...judgeLosses(report, bySeq(read), truth), ...judgeAside(vfs, report, damaged))
    if ((await newest(store)).join() !== read.map(({ json }) => json).join())
      out.push('newest first differs')
    const bytes = vfs.bytes(LOG)
    const again = await store.recover({ mode: 'repair' })
    if (again.changed || !vfs.bytes(LOG).equals(bytes))
      out.push('a second recovery changes something')
    out.push(...(await goesOn(store, truth, read.length)))
  } finally {
    await store.close()
  }
  const after = await open(vfs)
  if (!(await after.scan()).clean) out.push('not clean after appending')
  await after.close()
  return out
}
