import { realpath } from 'node:fs/promises'
import type { Anomaly, BackendDefinition, LongOperation } from '@papyra/contracts'
import { explainCode, type CodeStory } from './code.js'
import { readWindow, type ByteWindow } from './dump.js'

/** What is at one place of a store. */
export interface PlaceStory {
  readonly location: string
  readonly path: string
  readonly offset: number
  /** What a scan found there: all that covers the place. */
  readonly anomalies: readonly Anomaly[]
  /** The nearest damage in that file, if there is none at the place itself; else `null`. */
  readonly nearest: Anomaly | null
  readonly stories: readonly CodeStory[]
  /** `null` where the place is not in a file that can be read. */
  readonly bytes: ByteWindow | null
}

/** More than a person reads; places beyond it are found by scanning again after a recovery. */
const MOST_ANOMALIES = 100_000

/**
 * Scans the store and tells what is wrong at a place that a scan had named (`path:offset`), with the
 * bytes around it. Reads only. Rejects as `open` and `scan` do.
 */
export async function explainPlace(
  definition: BackendDefinition,
  place: { readonly path: string; readonly offset: number },
  long: LongOperation = {},
): Promise<PlaceStory> {
  const { offset } = place
  const path = await realpath(place.path).catch(() => place.path)
  const backend = await definition.open({ access: 'read', create: 'never' })
  try {
    const scan = await backend.scan({ ...long, maxAnomalies: MOST_ANOMALIES })
    const there = await inFile(scan.anomalies, path)
    const anomalies = there.filter((anomaly) => covers(anomaly, offset))
    const bytes = await readWindow(path, offset).catch(() => null)
    const [nearest = null] = anomalies.length > 0 ? [] : [...there].sort(byDistance(offset))
    const codes = [
      ...new Set([...anomalies, ...(nearest ? [nearest] : [])].map(({ code }) => code)),
    ]
    const stories = codes.flatMap((code) => explainCode(code) ?? [])
    return { location: definition.location, path, offset, anomalies, nearest, stories, bytes }
  } finally {
    await backend.close()
  }
}

async function inFile(anomalies: readonly Anomaly[], path: string): Promise<Anomaly[]> {
  const real = new Map<string, string>()
  for (const anomaly of anomalies) {
    if (real.has(anomaly.path)) continue
    real.set(anomaly.path, await realpath(anomaly.path).catch(() => anomaly.path))
  }
  return anomalies.filter((anomaly) => real.get(anomaly.path) === path)
}

/** Damage without a place of its own is everywhere in its file. */
function covers({ offset, length }: Anomaly, at: number): boolean {
  return offset === null || (at >= offset && at < offset + Math.max(1, length ?? 1))
}

const byDistance =
  (at: number) =>
  (a: Anomaly, b: Anomaly): number =>
    Math.abs((a.offset ?? at) - at) - Math.abs((b.offset ?? at) - at)
