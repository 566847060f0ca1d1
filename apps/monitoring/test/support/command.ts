import { execFile } from 'node:child_process'

export interface Ended {
  readonly code: number
  readonly said: string
  readonly stdout: string
}

/** Runs a program to its end. Rejects if there is no such program. */
export function command(program: string, args: readonly string[], cwd?: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd }, (error, stdout, stderr) => {
      const code = error?.code ?? 0
      if (typeof code === 'string') reject(error as Error)
      else resolve({ code, said: stdout + stderr, stdout })
    })
  })
}
