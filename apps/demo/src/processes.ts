import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
}

/** Runs a Node program to its end; its standard error goes where ours goes unless `hush`. */
export function runNode(args: readonly string[], options: { hush?: boolean } = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', options.hush === true ? 'ignore' : 'inherit'],
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(chunks).toString() }),
    )
  })
}

/** The `papyra` command of this workspace. */
export const PAPYRA: string = join(
  dirname(fileURLToPath(import.meta.resolve('@papyra/cli/package.json'))),
  'bin',
  'papyra.js',
)

export const SERVICE: string = fileURLToPath(new URL('./service.js', import.meta.url))
