// `npm run test:long [-- --only part,part]`: what takes too long for .ci/run, one part after the other.
import { parseArgs } from 'node:util'
import { minuteLines } from './lib/minutes.mjs'
import { run } from './lib/run.mjs'
import { tally } from './lib/vitest-report.mjs'

const torture = (part) => ['npm', ['run', '--silent', 'torture', '--', '--only', part]]

const PARTS = {
  random: {
    what: 'every test, with new random cases',
    command: ['npm', ['test']],
    env: { PAPYRA_SEED: 'random' },
  },
  matrix: {
    what: 'every test but those of this repository itself, under Node 22 and 24',
    command: [
      'npm',
      ['run', '--silent', 'test:matrix', '--', '22', '24', '--', 'packages', 'apps'],
    ],
  },
  bits: {
    what: 'every bit and every truncation of a reference log, its sidecar and mark',
    command: torture('bits'),
  },
  mutants: { what: 'every mutant of the protocol of segments', command: torture('mutants') },
  disk: { what: 'full disks at every offset, failing syncs', command: torture('disk') },
  soak: {
    what: 'four writers, compaction and readers, for a minute each',
    command: torture('soak'),
  },
  kills: { what: 'kill -9 at random moments, 500 times a backend', command: torture('kills') },
  crashes: {
    what: 'what power cuts leave, many mixtures for three seeds; the longest by far',
    command: torture('crashes'),
  },
}

const options = { only: { type: 'string' }, help: { type: 'boolean', short: 'h' } }
const { values } = parseArgs({ options })
const names = values.only?.split(',') ?? Object.keys(PARTS)
const unknown = names.filter((name) => !Object.hasOwn(PARTS, name))

if (values.help === true || unknown.length > 0) {
  if (unknown.length > 0) console.error(`test:long: there is no part ${unknown.join(', ')}`)
  console.log('npm run test:long [-- --only part,part]\n')
  for (const [name, { what }] of Object.entries(PARTS)) console.log(`  ${name.padEnd(8)} ${what}`)
  process.exit(unknown.length > 0 ? 64 : 0)
}

const took = []
const sum = { passed: 0, failed: 0 }
for (const name of names) {
  const { command, env } = PARTS[name]
  console.log(`test:long: ${name}`)
  const begin = performance.now()
  const code = await run(...command, { env })
  sum[code === 0 ? 'passed' : 'failed'] += 1
  took.push([code === 0 ? name : `${name} FAILED`, (performance.now() - begin) / 1000])
}
console.log('minutes  part')
for (const line of minuteLines(took)) console.log(` ${line}`)
console.log(tally(sum))
process.exitCode = sum.failed === 0 ? 0 : 1
