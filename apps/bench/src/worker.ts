// One task in a fresh process: `worker.js <task> <file> …`; prints its cost as JSON.
import { readSync, openSync, closeSync } from 'node:fs'
import process from 'node:process'
import { jsonBackend } from '@papyra/backend-json'
import { fullArray, fullMailbox } from './mailbox-weight.js'

async function scan(path: string): Promise<unknown> {
  const store = await jsonBackend({ path }).open({ access: 'read' })
  const report = await store.scan()
  await store.close()
  return { clean: report.clean, records: report.records }
}

async function newest(path: string, count: string): Promise<unknown> {
  const store = await jsonBackend({ path }).open({ access: 'read' })
  let seen = 0
  for await (const record of store.read({ order: 'newest', limit: Number(count) }))
    seen += record.seq > 0 ? 1 : 0
  await store.close()
  return { seen }
}

/** The peer: read in large pieces, split on line ends, `JSON.parse` each line, look at nothing. */
function parseLoop(path: string): unknown {
  const fd = openSync(path, 'r')
  const buffer = Buffer.allocUnsafe(1024 * 1024)
  let held = 0
  let lines = 0
  for (;;) {
    const got = readSync(fd, buffer, held, buffer.length - held, null)
    if (got === 0) break
    const end = held + got
    let start = 0
    for (;;) {
      const at = buffer.subarray(0, end).indexOf(10, start)
      if (at < 0) break
      JSON.parse(buffer.toString('utf8', start, at))
      lines++
      start = at + 1
    }
    buffer.copyWithin(0, start, end)
    held = end - start
  }
  closeSync(fd)
  return { lines }
}

const TASKS: Readonly<Record<string, (...args: string[]) => unknown>> = {
  scan,
  newest,
  parseLoop,
  'full-mailbox': fullMailbox,
  'full-array': fullArray,
}

const [task = '', ...args] = process.argv.slice(2)
const run = TASKS[task]
if (run === undefined) throw new Error(`unknown task ${task}`)
const start = performance.now()
const result = await run(...args)
const ms = performance.now() - start
process.stdout.write(JSON.stringify({ ms, peakMiB: process.resourceUsage().maxRSS / 1024, result }))
