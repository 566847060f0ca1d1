// `node scripts/tally.mjs <report> <exit code>`: "N passed, N failed" of a vitest json report.
import { tally, totals } from './lib/vitest-report.mjs'

console.log(tally(totals(process.argv[2] ?? '', Number(process.argv[3] ?? 0))))
