// `node scripts/minutes.mjs <report> <step>=<seconds>...`: what each step took, and of the tests each package.
import { minuteLines } from './lib/minutes.mjs'
import { secondsByPackage } from './lib/vitest-report.mjs'
import { root } from './lib/workspace.mjs'

const [report = '', ...steps] = process.argv.slice(2)
const parts = steps.map((step) => step.split('=')).map(([name, seconds]) => [name, Number(seconds)])
const total = parts.reduce((sum, [, seconds]) => sum + seconds, 0)
const packages = secondsByPackage(report, root)

console.log('minutes  step')
for (const line of minuteLines([...parts, ['all steps', total]])) console.log(` ${line}`)
if (packages.length > 0) console.log('minutes  tests of, which run side by side')
for (const line of minuteLines(packages)) console.log(` ${line}`)
