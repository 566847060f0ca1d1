import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleForNode } from '@papyra/build-config/bundle'
import ts from 'typescript'
import { expect, test } from 'vitest'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))

async function block(language: string): Promise<string> {
  const text = await readFile(join(PACKAGE, 'README.md'), 'utf8')
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1]
  if (found === undefined) throw new Error(`The README has no ${language} block.`)
  return found
}

/** What the compiler has against a file that is not on disk. */
function typeErrors(code: string): string[] {
  const file = join(PACKAGE, 'test', 'readme-snippet.ts')
  const { config } = ts.readConfigFile(join(PACKAGE, 'tsconfig.json'), ts.sys.readFile)
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, PACKAGE)
  const options = { ...parsed.options, isolatedDeclarations: false }
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile, readFile: read } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.readFile = (name) => (name === file ? code : read(name))
  host.getSourceFile = (name, version, ...rest) =>
    name === file ? ts.createSourceFile(name, code, version) : getSourceFile(name, version, ...rest)
  return ts
    .getPreEmitDiagnostics(ts.createProgram([file], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

test('the snippet of the README compiles under the options of the repository', async () => {
  const code = await block('ts')
  expect(typeErrors(code)).toEqual([])
  expect(typeErrors(code.replaceAll('payload.total', 'payload.totl')).join()).toContain('totl')
})

test('the snippet of the README prints what the README says', async () => {
  const file = join(PACKAGE, 'node_modules', '.cache', 'readme', 'readme-snippet.ts')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, await block('ts'))
  const { stdout } = await promisify(execFile)(process.execPath, [await bundleForNode(file)])
  expect(stdout).toBe(await block('text'))
})
