import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { jsonBackend } from '@papyra/backend-json'
import type { AckLevel } from '@papyra/contracts'
import { fact, plainObject } from './facts.js'
import { sideBySide, type Row } from './table.js'

async function ours(path: string, ack: AckLevel, records: number, waiting: number): Promise<void> {
  rmSync(path, { force: true })
  for (const ending of ['.mark', '.meta.json', '.lock']) rmSync(path + ending, { force: true })
  const store = await jsonBackend({ path, ack }).open({ access: 'write', create: 'if-missing' })
  await store.begin({ retention: null })
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < records) await store.append([fact(next++)])
  }
  await Promise.all(Array.from({ length: waiting }, worker))
  await store.close()
}

function stringifyJoin(path: string, records: number): Promise<void> {
  const fd = openSync(path, 'w')
  for (let n = 0; n < records; n += 256) {
    const lines = Array.from({ length: 256 }, (_, i) => JSON.stringify(plainObject(n + i)))
    writeSync(fd, `${lines.join('\n')}\n`)
  }
  closeSync(fd)
  return Promise.resolve()
}

function syncEach(path: string, records: number): Promise<void> {
  const fd = openSync(path, 'w')
  for (let n = 0; n < records; n++) {
    writeSync(fd, `${JSON.stringify(plainObject(n))}\n`)
    fdatasyncSync(fd)
  }
  closeSync(fd)
  return Promise.resolve()
}

async function handleEach(path: string, records: number, sync: boolean): Promise<void> {
  const handle = await open(path, 'w')
  for (let n = 0; n < records; n++) {
    await handle.write(`${JSON.stringify(plainObject(n))}\n`)
    if (sync) await handle.datasync()
  }
  await handle.close()
}

/** How appending compares with what a program would do by hand. */
export async function append(dir: string, rounds: number): Promise<Row[]> {
  const log = join(dir, 'append.ndjson')
  const peer = join(dir, 'append.peer')
  const many = 100_000
  const few = 2_000
  const measure = async (
    question: string,
    beside: string,
    floor: number,
    [records, a]: [number, () => Promise<void>],
    [peerRecords, b]: [number, () => Promise<void>],
  ): Promise<Row> => {
    const times = await sideBySide(rounds, a, b)
    const rate = records / times.ours
    const peerRate = peerRecords / times.peer
    const figures = `${rate.toFixed(1)} against ${peerRate.toFixed(1)} k records/s`
    return { question, peer: beside, ratio: rate / peerRate, better: 'higher', floor, figures }
  }
  return [
    await measure(
      'append flushed, 256 waiting',
      'JSON.stringify + join of 256 + writeSync',
      0.75,
      [many, () => ours(log, 'flushed', many, 256)],
      [many, () => stringifyJoin(peer, many)],
    ),
    await measure(
      'append durable, 256 waiting',
      'write + fdatasync each',
      30,
      [many, () => ours(log, 'durable', many, 256)],
      [few, () => syncEach(peer, few)],
    ),
    await measure(
      'append flushed, one caller',
      'FileHandle.write awaited',
      3,
      [many / 4, () => ours(log, 'flushed', many / 4, 1)],
      [many / 4, () => handleEach(peer, many / 4, false)],
    ),
    await measure(
      'append durable, one caller',
      'FileHandle write + datasync awaited',
      1,
      [few, () => ours(log, 'durable', few, 1)],
      [few, () => handleEach(peer, few, true)],
    ),
  ]
}
