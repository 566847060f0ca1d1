import type { RecordedLoss } from '@papyra/contracts'
import { plural, rangeText, timeText } from './format.js'
import type { Output } from './output.js'

/** Where the bytes are that a recovery took out. */
export async function showKeptAside(out: Output, files: readonly string[]): Promise<void> {
  for (const file of files) await out.line(`  kept aside: ${file}`)
}

/** Losses that are on record, now or since earlier. */
export async function showLossesRecorded(
  out: Output,
  losses: readonly RecordedLoss[],
): Promise<void> {
  for (const loss of losses) {
    const where = loss.seq === null ? 'place unknown' : `seq ${rangeText(loss.seq)}`
    await out.line(
      ['yellow', '  lost:'],
      ` ${plural(loss.records, 'record')}, ${where}, ${loss.code}, recorded ${timeText(loss.at)}`,
    )
  }
}
