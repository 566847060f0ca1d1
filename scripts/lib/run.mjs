// Child processes, the same way in every script.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { pnpmPin, root } from './workspace.mjs'

const quiet = {
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  npm_config_update_notifier: 'false',
  npm_config_fund: 'false',
  npm_config_audit: 'false',
}

export const childEnv = { ...process.env, ...quiet }

/** Run a command with our streams; resolves to its exit code. Signals are passed on. */
export function run(command, args, { cwd = root, env = {}, stdin = 'inherit' } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...childEnv, ...env },
      stdio: [stdin, 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    })
    const forward = (signal) => child.kill(signal)
    process.on('SIGINT', forward)
    process.on('SIGTERM', forward)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      process.off('SIGINT', forward)
      process.off('SIGTERM', forward)
      resolve(code ?? 128 + (constants.signals[signal] ?? 0))
    })
  })
}

/** Run a command and collect what it writes: { code, stdout, stderr }. */
export function capture(command, args, { cwd = root, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...childEnv, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }))
  })
}

/** The pinned pnpm. Works where only Node and npm are installed; puts pnpm on the PATH of its children. */
export function pnpmCommand(args) {
  return ['npx', ['--yes', pnpmPin(), ...args]]
}

/** End this process with `code` unless it is 0. */
export function stopUnlessZero(code) {
  if (code !== 0) process.exit(code)
}
