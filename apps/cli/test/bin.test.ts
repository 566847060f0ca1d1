import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { World } from './fixtures/world.js'

const packageFolder = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
  version: string
}

/** A copy of what is published, without what a build makes. */
function unbuilt(): string {
  const folder = mkdtempSync(join(tmpdir(), 'papyra-bin-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(packageFolder, 'bin'), join(folder, 'bin'), { recursive: true })
  cpSync(join(packageFolder, 'package.json'), join(folder, 'package.json'))
  return folder
}

/** Prints the URL of every module that is loaded, Node's own included. */
const TRACE = `
import { register } from 'node:module'
const hook = 'export async function load(url, context, next) { process._rawDebug("loaded " + url); return next(url, context) }'
register('data:text/javascript,' + encodeURIComponent(hook))
`

test('--version loads the start script and nothing else', () => {
  const folder = unbuilt()
  const trace = join(folder, 'trace.mjs')
  writeFileSync(trace, TRACE)
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', trace, join(folder, 'bin/papyra.js'), '--version'],
    { encoding: 'utf8', env: {} },
  )
  expect({ status, stdout }).toEqual({ status: 0, stdout: `${version}\n` })
  const loaded = [...stderr.matchAll(/^loaded (.*)$/gm)].map(([, url = '']) => url)
  expect(loaded.map((url) => url.replace(/^.*\//, ''))).toEqual(['papyra.js', 'node:fs'])
})

test('a broken installation ends with 70, not with Node’s 1', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(unbuilt(), 'bin/papyra.js'), 'persistence', 'scan'],
    { encoding: 'utf8' },
  )
  expect(status).toBe(70)
  expect(stderr).toContain('papyra: cannot start')
})

test('--version --json tells what runs', async () => {
  const { code, json } = await new World().run('--version', '--json')
  expect(code).toBe(0)
  expect(json()).toMatchObject({
    schema: 'papyra.version/1',
    report: { version, node: process.versions.node },
  })
})

test('the bash completion completes commands, options and values', async () => {
  const { stdout: script } = await new World().run('completion', 'bash')
  const complete = (...words: string[]): string[] => {
    const list = words.map((word) => `'${word}'`).join(' ')
    const body = `${script}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _papyra; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', body], {
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return stdout.split('\n').filter(Boolean)
  }
  expect(complete('papyra', 'pers')).toEqual(['persistence'])
  expect(complete('papyra', 'persistence', 's')).toEqual(['scan', 'startup-check', 'segments'])
  expect(complete('papyra', 'persistence', 'recover', '--acc')).toEqual(['--accept-loss'])
  expect(complete('papyra', 'persistence', 'recover', '--mode', 'qu')).toEqual(['quarantine'])
  expect(complete('papyra', 'completion', 'f')).toEqual(['fish'])
})
