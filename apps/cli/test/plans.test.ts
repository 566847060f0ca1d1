import { manualClock } from '@papyra/contracts'
import { expect, describe, test } from 'vitest'
import { FILE_BACKENDS, makeStore } from './fixtures/stores.js'
import { World } from './fixtures/world.js'

interface Planned {
  readonly id: string
  readonly files: {
    path: string
    action: string
    records: number
    dropped: { records: number; limit: string; reason: string }[]
  }[]
}

describe.each(FILE_BACKENDS)('%s', (use) => {
  const compact = (world: World, path: string, ...more: string[]) =>
    world.run('persistence', 'compact', '--path', path, ...more)

  async function planned(world: World, path: string, ...policy: string[]): Promise<Planned> {
    const { code, stderr, json } = await compact(world, path, '--dry-run', '--json', ...policy)
    expect(code, stderr).toBe(0)
    return json().report['plan'] as Planned
  }

  const seqs = async (world: World, path: string): Promise<unknown[]> =>
    (await world.run('inspect', 'events', '--path', path, '--all', '--json'))
      .lines()
      .map(({ seq }) => seq)

  test('a dry run tells file by file what would go, its id, and the command for it', async () => {
    const world = new World()
    const path = await makeStore(world, use, 35)
    const { files, id } = await planned(world, path, '--max-records', '18')
    const all = files.flatMap(({ dropped }) => dropped)
    expect(all.reduce((sum, { records }) => sum + records, 0)).toBe(17)
    for (const { reason, limit } of all)
      expect({ reason, limit }).toEqual({ reason: 'count', limit: 'maxRecords' })
    expect(files.map(({ action }) => action)).toEqual(
      use === 'json' ? ['rewrite'] : ['drop', 'rewrite'],
    )
    const { code, stdout } = await compact(world, path, '--dry-run', '--max-records', '18')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ *event +count +maxRecords +17 /m)
    expect(stdout).toMatch(/^ *\S+\.ndjson +rewrite +\d+ +\d.* event +count +maxRecords +\d+ /m)
    const command = /^to carry it out: {2}papyra (.*)$/m.exec(stdout)?.[1] ?? ''
    expect(command).toMatch(/^persistence compact --plan \S+ --path \S+$/)
    expect(id.length).toBeGreaterThan(10)
    expect(await seqs(world, path)).toHaveLength(35)
    const done = await world.run(...command.split(' '))
    expect(done.code, done.stderr).toBe(0)
    expect(await seqs(world, path)).toEqual(Array.from({ length: 18 }, (_, index) => index + 18))
  })

  test('a plan does just what it says, whatever was appended since; then it is stale: 75', async () => {
    const world = new World()
    const path = await makeStore(world, use, 20)
    const { id } = await planned(world, path, '--max-records', '8')
    await makeStore(world, use, 7)
    const again = await compact(world, path, '--plan', id, '--dry-run')
    expect(again.code, again.stderr).toBe(0)
    expect(again.stderr).toContain('policy: maxRecords=8  (from the plan)')
    const { code, json, stderr } = await compact(world, path, '--plan', id, '--json')
    expect(code, stderr).toBe(0)
    expect(json().report).toMatchObject({ verified: true, records: { before: 27, after: 15 } })
    expect(await seqs(world, path)).toEqual(Array.from({ length: 15 }, (_, index) => index + 13))
    const stale = await compact(world, path, '--plan', id)
    expect(stale.code).toBe(75)
    expect(stale.stderr).toMatch(/stale_plan[\s\S]*dry run/)
    expect((await world.run('persistence', 'scan', '--path', path)).code).toBe(0)
  })

  test('a policy that is not the plan’s is an error, the same one is not; no id is none', async () => {
    const world = new World()
    const path = await makeStore(world, use, 20)
    const { id } = await planned(world, path, '--max-records', '8')
    expect((await compact(world, path, '--plan', id, '--max-records', '9')).code).toBe(64)
    expect((await compact(world, path, '--plan', 'nonsense')).code).toBe(64)
    expect((await compact(world, path, '--plan', `${id.slice(0, -1)}`)).code).toBe(64)
    expect(await seqs(world, path)).toHaveLength(20)
    expect((await compact(world, path, '--plan', id, '--max-records', '8')).code).toBe(0)
    expect(await seqs(world, path)).toHaveLength(8)
  })

  test('yes on a terminal means the plan that was shown, however long the answer took', async () => {
    const world = new World()
    const path = await makeStore(world, use, 20)
    const clock = manualClock(Date.now())
    let shown = ''
    const stderr = {
      ...sink,
      write: async (text: string) => {
        shown += text
      },
    }
    const ask = async (): Promise<string> => {
      clock.advance(5000)
      return 'yes'
    }
    const argv = ['persistence', 'compact', '--path', path, '--max-age-seconds', '10']
    const { code } = await world.runWith({ ask, clock, stderr }, ...argv)
    expect(code, shown).toBe(0)
    const kept = Number(/plan: {2}records 20 -> (\d+)/.exec(shown)?.[1])
    expect(kept).toBeGreaterThanOrEqual(5)
    expect(await seqs(world, path)).toHaveLength(kept)
  })

  test('inspect tells what is expired and not compacted yet, and what the last compaction did', async () => {
    const world = new World()
    const path = await makeStore(world, use, 35, { maxRecords: 18 })
    const inspect = async () => {
      const { code, stdout, stderr } = await world.run('persistence', 'inspect', '--path', path)
      expect(code, stderr).toBe(0)
      return stdout
    }
    const before = await inspect()
    expect(before).toMatch(
      /^retention +maxRecords=18 {2}\(from the store, recorded by its last owner\)$/m,
    )
    expect(before).toMatch(/^expired +17 records, .*, hidden and not compacted yet$/m)
    expect(before).toMatch(/^event +count +maxRecords +17 +.* +1-17$/m)
    expect(before).toMatch(/^last compaction +none$/m)
    if (use === 'rotation')
      expect(before).toMatch(/^segments +4 segments \(3 sealed\), .* each, records from /m)
    else expect(before).not.toMatch(/^segments/m)
    const { report } = (await world.run('persistence', 'inspect', '--path', path, '--json')).json()
    expect(report['expired']).toMatchObject({
      records: 17,
      refusal: null,
      policy: { maxRecords: 18 },
    })
    expect((await compact(world, path)).code).toBe(0)
    const after = await inspect()
    expect(after).toMatch(/^expired +nothing$/m)
    expect(after).toMatch(
      /^last compaction +\S+Z \(\d+ s ago\), by request, took .*, removed 17 records, /m,
    )
    expect(after).toMatch(/compaction +2 +17 .* request .* event 17 by maxRecords$/m)
  })

  test('what a compaction would refuse is told with what is expired', async () => {
    const world = new World()
    const path = await makeStore(world, use, 12)
    const env = { ...world.options.env, PAPYRA_MAX_AGE_SECONDS: '1' }
    const later = { now: () => Date.now() + 3_600_000, monotonic: () => performance.now() }
    const { code, stdout } = await world.runWith(
      { env, clock: { ...world.io(sink, sink).clock, ...later } },
      'persistence',
      'inspect',
      '--path',
      path,
    )
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^expired +12 records, .*a compaction would be refused: drop_all_refused$/m,
    )
  })
})

const sink = { isTTY: false, columns: 80, closed: false, write: async () => {} }
