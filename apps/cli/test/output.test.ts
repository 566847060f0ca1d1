import { Writable } from 'node:stream'
import { manualClock } from '@papyra/contracts'
import { expect, test } from 'vitest'
import { type OutputStream, streamSink } from '../src/io.js'
import { bytesText, countText, durationText, plural, timeText } from '../src/output/format.js'
import { Output } from '../src/output/output.js'
import { progressLine, progressText } from '../src/output/progress.js'
import { commandLine } from '../src/output/shell.js'
import { pairLines, tableLines } from '../src/output/table.js'
import { CapturedSink, World } from './fixtures/world.js'

function stream(write: Writable['_write']): OutputStream {
  return Object.assign(new Writable({ write }), { isTTY: false, columns: 80 })
}

const failing = (code: string) =>
  stream((_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })))

test('a write resolves only when the system has taken the text', async () => {
  const waiting: (() => void)[] = []
  const sink = streamSink(
    stream((_chunk, _encoding, done) => {
      waiting.push(done)
    }),
    false,
  )
  const order: string[] = []
  const writing = sink.write('x').then(() => order.push('resolved'))
  await new Promise((resolve) => setImmediate(resolve))
  order.push('taken')
  for (const done of waiting) done()
  await writing
  expect(order).toEqual(['taken', 'resolved'])
})

test('a reader that went away closes the sink quietly', async () => {
  const sink = streamSink(failing('EPIPE'), false)
  await sink.write('x')
  expect(sink.closed).toBe(true)
  await sink.write('y')
})

test('any other failure of standard output is told; standard error never fails', async () => {
  await expect(streamSink(failing('ENOSPC'), false).write('x')).rejects.toMatchObject({
    code: 'io_error',
  })
  await streamSink(failing('ENOSPC'), true).write('x')
})

function colours(env: Record<string, string>, tty: boolean, color?: boolean): boolean {
  const world = new World({ env })
  const stdout = new CapturedSink(tty)
  const out = new Output(world.io(stdout, stdout), { json: false, quiet: false, color })
  void out.line(['red', 'x'])
  return stdout.text.includes('\u001b[31m')
}

test('colour: flags, then NO_COLOR, then FORCE_COLOR, then the terminal', () => {
  expect(colours({}, true)).toBe(true)
  expect(colours({}, false)).toBe(false)
  expect(colours({ TERM: 'dumb' }, true)).toBe(false)
  expect(colours({ NO_COLOR: '1' }, true)).toBe(false)
  expect(colours({ NO_COLOR: '' }, true)).toBe(true)
  expect(colours({ FORCE_COLOR: '1' }, false)).toBe(true)
  expect(colours({ FORCE_COLOR: '0' }, true)).toBe(false)
  expect(colours({ NO_COLOR: '1' }, false, true)).toBe(true)
  expect(colours({}, true, false)).toBe(false)
})

test('progress: bytes, rate and ETA, on a terminal alone, written over at most ten times a second', async () => {
  const progress = { phase: 'scan', doneBytes: 52_428_800, totalBytes: 104_857_600, records: 1000 }
  expect(progressText(progress, 1000)).toBe(
    'scan  50.0 MiB of 100.0 MiB (50%)  50.0 MiB/s  1,000 records  ETA 1.0 s',
  )
  const clock = manualClock()
  const world = new World({ clock })
  const stderr = new CapturedSink(true)
  const line = progressLine(world.io(new CapturedSink(), stderr), false)
  for (let step = 0; step < 10; step++) {
    line.onProgress(progress)
    clock.advance(20)
  }
  expect(stderr.text.split('\r')).toHaveLength(3)
  await line.done()
  expect(stderr.text.endsWith('\r\u001b[K')).toBe(true)
  for (const [tty, quiet] of [
    [false, false],
    [true, true],
  ] as const) {
    const other = new CapturedSink(tty)
    const silent = progressLine(world.io(new CapturedSink(), other), quiet)
    silent.onProgress(progress)
    await silent.done()
    expect(other.text).toBe('')
  }
})

test('numbers, times and lines for people', () => {
  expect([0, 1023, 1536, 1_073_741_824].map(bytesText)).toEqual([
    '0 B',
    '1023 B',
    '1.5 KiB',
    '1.0 GiB',
  ])
  expect(countText(1_234_567)).toBe('1,234,567')
  expect([plural(1, 'anomaly'), plural(2, 'anomaly'), plural(0, 'record')]).toEqual([
    '1 anomaly',
    '2 anomalies',
    '0 records',
  ])
  expect([850, 12_340, 245_000, 7_320_000].map(durationText)).toEqual([
    '850 ms',
    '12.3 s',
    '4 min 05 s',
    '2 h 02 min',
  ])
  expect([null, Number.NaN, 1e300, 0].map(timeText)).toEqual([
    '-',
    '-',
    '-',
    '1970-01-01T00:00:00.000Z',
  ])
  expect(
    tableLines(
      ['A', 'B'],
      [
        ['long', 'x'],
        ['y\u001b', ''],
      ],
    ),
  ).toEqual(['A        B', 'long     x', 'y\\u001b'])
  expect(
    pairLines([
      ['a', '1'],
      ['bcd', ''],
    ]),
  ).toEqual(['a    1', 'bcd'])
  expect(commandLine(['papyra', "it's", 'a b', '$x', 'p/q.ndjson'])).toBe(
    `papyra 'it'\\''s' 'a b' '$x' p/q.ndjson`,
  )
})
