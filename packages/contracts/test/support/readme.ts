import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleForNode } from '@papyra/build-config/bundle'
import ts from 'typescript'

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))

export interface Snippet {
  readonly code: string
  /** What the README says that it prints. */
  readonly output: string
}

/** The first TypeScript block of the README and the text block that shows its output. */
export async function readSnippet(): Promise<Snippet> {
  const text = await readFile(join(PACKAGE, 'README.md'), 'utf8')
  return { code: block(text, 'ts'), output: block(text, 'text') }
}

/** What the compiler has against the snippet under the options of the repository. */
export function typeErrors({ code }: Snippet): string[] {
  const file = join(PACKAGE, 'test', 'readme-snippet.ts')
  const config = ts.readConfigFile(join(PACKAGE, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, PACKAGE)
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile, readFile: read } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.readFile = (name) => (name === file ? code : read(name))
  host.getSourceFile = (name, version, ...rest) =>
    name === file ? ts.createSourceFile(name, code, version) : getSourceFile(name, version, ...rest)
  const program = ts.createProgram([file], { ...options, isolatedDeclarations: false }, host)
  return ts
    .getPreEmitDiagnostics(program)
    .map((found) => ts.flattenDiagnosticMessageText(found.messageText, '\n'))
}

/** Runs the snippet in a process of its own and gives back what it prints. */
export async function run({ code }: Snippet): Promise<string> {
  const file = join(PACKAGE, 'node_modules', '.cache', 'readme', 'readme-snippet.ts')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, code)
  const { stdout } = await promisify(execFile)(process.execPath, [await bundleForNode(file)])
  return stdout
}

function block(text: string, language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(text)?.[1]
  if (found === undefined) throw new Error(`The README has no ${language} block.`)
  return found
}
