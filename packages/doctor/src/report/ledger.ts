// The folder that keeps the reports of drills and gates: what the checklist knows of them.
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SignedReport } from './sign.js'

/** What was done; the first part of the name of its file. */
export type ReportKind = 'drill' | 'gate'

/** What every kept report says. */
export interface KeptReport {
  readonly location: string
  readonly logId: string | null
  /** Wall time in ms. */
  readonly at: number
  readonly verdict: 'pass' | 'fail' | 'unknown'
}

const schemaOf = (kind: ReportKind): string => `papyra.${kind}/1`

/** Keeps a report as `<kind>-<time>.json`; gives the path. Never leaves half a file. */
export async function keepReport(
  folder: string,
  kind: ReportKind,
  kept: SignedReport<KeptReport>,
): Promise<string> {
  await mkdir(folder, { recursive: true })
  const time = new Date(kept.report.at).toISOString().replace(/[:.]/g, '-')
  const path = join(folder, `${kind}-${time}.json`)
  await writeReport(path, kept)
  return path
}

/** Writes a report to a file of any name, whole or not at all. */
export async function writeReport(path: string, kept: SignedReport): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`
  await writeFile(draft, `${JSON.stringify(kept, null, 2)}\n`)
  await rename(draft, path)
}

/** More than anybody drills in a quarter. */
const MOST_REPORTS = 100

/** The reports of that kind on the store with that id, the newest first; what cannot be read is left out. */
export async function findReports(
  folder: string,
  kind: ReportKind,
  logId: string | null,
): Promise<readonly SignedReport<KeptReport>[]> {
  const names = (await readdir(folder).catch(() => [])).filter(
    (name) => name.startsWith(`${kind}-`) && name.endsWith('.json'),
  )
  const found: SignedReport<KeptReport>[] = []
  for (const name of names.sort().reverse().slice(0, MOST_REPORTS)) {
    const kept = parseReport(await readFile(join(folder, name), 'utf8').catch(() => ''))
    if (kept?.schema !== schemaOf(kind)) continue
    const report = kept.report as Partial<KeptReport>
    if (logId === null || report.logId !== logId || typeof report.at !== 'number') continue
    found.push(kept as SignedReport<KeptReport>)
  }
  return found.sort((a, b) => b.report.at - a.report.at)
}

/** A report from the text of its file; `null` if it is none. */
export function parseReport(text: string): SignedReport | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { schema, report, signature } = value as Partial<SignedReport>
  if (typeof schema !== 'string' || typeof report !== 'object' || report === null) return null
  if (signature === null) return { schema, report, signature }
  const { algorithm, publicKey, value: signed } = signature ?? {}
  if (algorithm !== 'ed25519' || typeof publicKey !== 'string' || typeof signed !== 'string')
    return null
  return { schema, report, signature: { algorithm, publicKey, value: signed } }
}
