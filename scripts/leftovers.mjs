// `node scripts/leftovers.mjs <mark>`: processes that a CI run started and did not end.
// Each inherited PAPYRA_CI_RUN=<mark>. They get three seconds to end by themselves, then they are
// killed and named, and this command fails. Only where /proc exists.
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const GRACE_MS = 3_000
const STEP_MS = 100

const mark = `PAPYRA_CI_RUN=${process.argv[2] ?? ''}`

for (let waited = 0; waited < GRACE_MS && marked().length > 0; waited += STEP_MS) {
  await sleep(STEP_MS)
}
for (const pid of marked()) {
  console.log(`left running: ${pid} ${commandOf(pid)}`)
  process.exitCode = 1
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}

/** Process numbers, without our own. */
function marked() {
  return read(() => readdirSync('/proc'), [])
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => read(() => readFileSync(`/proc/${pid}/environ`, 'utf8'), '').includes(mark))
    .filter((pid) => !isDead(pid))
    .map(Number)
}

function isDead(pid) {
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'), ') Z')
  return /^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1))
}

function commandOf(pid) {
  return read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'), '').replaceAll('\0', ' ')
}

function read(get, otherwise) {
  try {
    return get()
  } catch {
    return otherwise
  }
}
