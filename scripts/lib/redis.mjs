// The tests of the Redis backend start real servers: see to it that the program is there.
import { capture, run } from './run.mjs'

const HOW = `The tests need the program redis-server, 7.0 or later:
  Debian, Ubuntu   apt-get install redis-server
  Alpine           apk add redis
  macOS            brew install redis
A server need not run; the tests start their own.`

const environment = { DEBIAN_FRONTEND: 'noninteractive' }

/** Installs redis-server with apt-get if it is missing and that is possible; else ends with 1. */
export async function requireRedis() {
  if (await runs('redis-server', ['--version'])) return
  const root = await rootPrefix()
  if (root !== undefined && (await runs('apt-get', ['--version']))) {
    console.error('setup: installing redis-server with apt-get')
    if (await install(root)) return
  }
  console.error(HOW)
  process.exit(1)
}

/** What to put before a command to run it as root; undefined if that cannot be had unasked. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return []
  return (await runs('sudo', ['-n', 'true'])) ? ['sudo', '-n'] : undefined
}

async function install(prefix) {
  const flags = ['install', '-y', '--no-install-recommends', 'redis-server']
  if ((await aptGet(prefix, flags)) !== 0) {
    await aptGet(prefix, ['update'])
    await aptGet(prefix, flags)
  }
  return runs('redis-server', ['--version'])
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
