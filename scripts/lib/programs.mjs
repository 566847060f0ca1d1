// Some tests start real servers: see to it that the programs are there.
import { capture, run } from './run.mjs'

/** What the tests run besides Node, and where it comes from. */
const PROGRAMS = [
  {
    commands: ['redis-server'],
    debian: 'redis-server',
    how: `The tests need the program redis-server, 7.0 or later:
  Debian, Ubuntu   apt-get install redis-server
  Alpine           apk add redis
  macOS            brew install redis
A server need not run; the tests start their own.`,
  },
  {
    commands: ['prometheus', 'promtool'],
    debian: 'prometheus',
    how: `The tests need the programs prometheus and promtool, 2.42 or later:
  Debian, Ubuntu   apt-get install prometheus
  Alpine           apk add prometheus
  macOS            brew install prometheus
  all others       https://prometheus.io/download/, unpacked into a folder of PATH
A server need not run; the tests start their own.`,
  },
]

const environment = { DEBIAN_FRONTEND: 'noninteractive' }

/** Installs what is missing with apt-get if that is possible; else ends with 1. */
export async function requirePrograms() {
  for (const program of PROGRAMS) await requireProgram(program)
}

async function requireProgram(program) {
  if (await present(program)) return
  const root = await rootPrefix()
  if (root !== undefined && (await runs('apt-get', ['--version']))) {
    console.error(`setup: installing ${program.debian} with apt-get`)
    if (await install(root, program)) return
  }
  console.error(program.how)
  process.exit(1)
}

async function present({ commands }) {
  for (const command of commands) if (!(await runs(command, ['--version']))) return false
  return true
}

/** What to put before a command to run it as root; undefined if that cannot be had unasked. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return []
  return (await runs('sudo', ['-n', 'true'])) ? ['sudo', '-n'] : undefined
}

async function install(prefix, program) {
  const flags = ['install', '-y', '--no-install-recommends', program.debian]
  if ((await aptGet(prefix, flags)) !== 0) {
    await aptGet(prefix, ['update'])
    await aptGet(prefix, flags)
  }
  return present(program)
}

function aptGet(prefix, args) {
  const settings = prefix.length > 0 ? ['env', 'DEBIAN_FRONTEND=noninteractive'] : []
  const [command, ...rest] = [...prefix, ...settings, 'apt-get', ...args]
  return run(command, rest, { env: environment, stdin: 'ignore' }).catch(() => 1)
}

function runs(command, args) {
  return capture(command, args).then(
    ({ code }) => code === 0,
    () => false,
  )
}
