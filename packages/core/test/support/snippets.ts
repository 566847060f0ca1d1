import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleForNode } from '@papyra/build-config/bundle'
import ts from 'typescript'

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))

/** The first block in a language of a page, named from the package's folder. */
export async function block(page: string, language: string): Promise<string> {
  const text = await readFile(join(PACKAGE, page), 'utf8')
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1]
  if (found === undefined) throw new Error(`${page} has no ${language} block.`)
  return found
}

/** What the compiler has against a file that is not on disk. */
export function typeErrors(code: string): string[] {
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

/** What the code prints. */
export async function printed(name: string, code: string): Promise<string> {
  const file = join(PACKAGE, 'node_modules', '.cache', name, 'snippet.ts')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, code)
  const { stdout } = await promisify(execFile)(process.execPath, [await bundleForNode(file)])
  return stdout
}
