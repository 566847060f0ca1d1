/** One measured line: what, how it did against its peer in the same run, and where we mean to be. */
export interface Row {
  readonly question: string
  readonly peer: string
  /** Peer's time over ours, or ours over the peer's: `better` says which way is better. */
  readonly ratio: number
  readonly better: 'higher' | 'lower'
  readonly floor: number
  /** Absolute figures, for orientation only: they mean nothing outside their run. */
  readonly figures: string
}

export function printTable(rows: readonly Row[]): void {
  const cells = rows.map((row) => {
    const ok = row.better === 'higher' ? row.ratio >= row.floor : row.ratio <= row.floor
    const bound = `${row.better === 'higher' ? '>=' : '<='} ${row.floor}`
    return [row.question, row.peer, row.ratio.toFixed(2), bound, ok ? 'ok' : 'MISSED', row.figures]
  })
  const table = [['question', 'beside it', 'ratio', 'floor', '', 'figures of this run'], ...cells]
  const widths = table[0]?.map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0))) ?? []
  for (const row of table) {
    process.stdout.write(
      `${row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    )
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Runs two candidates in turn, `rounds` times each, and gives the median milliseconds of both. */
export async function sideBySide(
  rounds: number,
  ours: () => Promise<unknown>,
  peer: () => Promise<unknown>,
): Promise<{ ours: number; peer: number }> {
  const times: { ours: number[]; peer: number[] } = { ours: [], peer: [] }
  for (let i = 0; i < rounds; i++) {
    for (const [name, run] of [
      ['ours', ours],
      ['peer', peer],
    ] as const) {
      const start = performance.now()
      await run()
      times[name].push(performance.now() - start)
    }
  }
  return { ours: median(times.ours), peer: median(times.peer) }
}
