import type { Finding } from '@papyra/contracts'
import { list, text } from './entry.js'
import { failureOf } from './redis-errors.js'
import type { Store } from './store.js'

type Lookup = (name: string) => string | null

/** What the server says of itself; a value that it will not tell is `null`. */
interface Server {
  readonly info: Lookup
  readonly config: Lookup
  /** The numbers of the databases that hold keys. */
  readonly databases: readonly string[]
}

const SETTINGS = [
  ...['maxmemory', 'maxmemory-policy', 'appendonly', 'appendfsync', 'save'],
  ...['no-appendfsync-on-rewrite', 'min-replicas-to-write'],
]

/** Looks at the server for what may lose records or stop appends. Changes nothing. */
export async function* diagnose(store: Store): AsyncGenerator<Finding> {
  const server = await askServer(store)
  for (const check of [eviction, persistence, aof, rdb, memory, role, replicas]) {
    const found = check(server)
    if (found !== null) yield found
  }
  yield await isolation(store, server)
  yield await expiry(store)
}

async function askServer({ connection }: Store): Promise<Server> {
  const told = async (...command: [string, ...string[]]): Promise<string[] | null> => {
    try {
      const reply = await connection.ask(...command)
      return Array.isArray(reply) ? list(reply).map(text) : text(reply).split(/\r?\n/)
    } catch (error) {
      if (failureOf(error)?.outcome === 'refused') return null
      throw error
    }
  }
  const info = new Map<string, string>()
  for (const line of (await told('INFO', 'everything')) ?? []) {
    const at = line.indexOf(':')
    if (at > 0) info.set(line.slice(0, at), line.slice(at + 1))
  }
  const config = new Map<string, string>()
  for (const name of SETTINGS) {
    const [, value] = (await told('CONFIG', 'GET', name)) ?? []
    if (value !== undefined) config.set(name, value)
  }
  const databases = [...info.keys()].flatMap((key) => /^db(\d+)$/.exec(key)?.slice(1) ?? [])
  return {
    info: (name) => info.get(name) ?? null,
    config: (name) => config.get(name) ?? null,
    databases,
  }
}

function finding(
  id: string,
  state: Finding['state'],
  evidence: string,
  mend: string | null = null,
): Finding {
  return { id: `redis.${id}`, state, evidence, mend }
}

function unknown(id: string): Finding {
  return finding(id, 'unknown', 'The server does not let this user see it.')
}

function eviction({ info, config }: Server): Finding {
  const policy = config('maxmemory-policy') ?? info('maxmemory_policy')
  const limit = config('maxmemory') ?? info('maxmemory')
  if (policy === null || limit === null) return unknown('eviction')
  const evidence = `maxmemory ${limit}, maxmemory-policy ${policy}, evicted keys ${info('evicted_keys') ?? 'unknown'}`
  const safe = limit === '0' || policy === 'noeviction' || policy.startsWith('volatile-')
  const mend = 'redis-cli CONFIG SET maxmemory-policy noeviction'
  return finding('eviction', safe ? 'pass' : 'fail', evidence, safe ? null : mend)
}

function persistence({ info, config }: Server): Finding {
  const aofEnabled = info('aof_enabled')
  const save = config('save')
  if (aofEnabled === null || (aofEnabled !== '1' && save === null)) {
    return unknown('persistence')
  }
  const evidence = `AOF ${aofEnabled === '1' ? 'on' : 'off'}, snapshots ${save === '' ? 'off' : (save ?? 'unknown')}`
  const mend = 'redis-cli CONFIG SET appendonly yes'
  if (aofEnabled === '1') return finding('persistence', 'pass', evidence)
  if (save !== '') return finding('persistence', 'warn', evidence, mend)
  return finding('persistence', 'fail', evidence, mend)
}

/** `null` without an append-only file, which `persistence` tells of. */
function aof({ info, config }: Server): Finding | null {
  const enabled = info('aof_enabled')
  if (enabled === null) return unknown('aof')
  if (enabled !== '1') return null
  const fsync = config('appendfsync')
  const [write, rewrite] = [info('aof_last_write_status'), info('aof_last_bgrewrite_status')]
  const evidence = `appendfsync ${fsync ?? 'unknown'}, last write ${write}, last rewrite ${rewrite}`
  if (write !== 'ok' || rewrite !== 'ok') return finding('aof', 'fail', evidence)
  if (fsync === null) return finding('aof', 'unknown', evidence)
  if (fsync === 'always') return finding('aof', 'pass', evidence)
  return finding('aof', 'warn', evidence, 'redis-cli CONFIG SET appendfsync always')
}

function rdb({ info }: Server): Finding {
  const status = info('rdb_last_bgsave_status')
  if (status === null) return unknown('rdb')
  const changes = info('rdb_changes_since_last_save') ?? 'unknown'
  const evidence = `last snapshot ${status}, changes since ${changes}`
  return status === 'ok'
    ? finding('rdb', 'pass', evidence)
    : finding('rdb', 'fail', evidence, 'redis-cli BGSAVE')
}

function memory({ info }: Server): Finding {
  const [used, limit] = [Number(info('used_memory') ?? Number.NaN), Number(info('maxmemory') ?? 0)]
  if (Number.isNaN(used)) return unknown('memory')
  const most = limit > 0 ? limit : Number(info('total_system_memory') ?? Number.NaN)
  const evidence = `${used} of ${limit > 0 ? limit : `${most} (the machine's)`} bytes used`
  if (Number.isNaN(most)) return finding('memory', 'unknown', evidence)
  const state = used > most ? 'fail' : used > 0.8 * most ? 'warn' : 'pass'
  const more = `redis-cli CONFIG SET maxmemory ${2 * used}`
  return finding('memory', state, evidence, state === 'pass' || limit === 0 ? null : more)
}

function role({ info }: Server): Finding {
  const found = info('role')
  if (found === null) return unknown('role')
  const evidence = `role ${found}, loading ${info('loading') ?? 'unknown'}`
  const mend = 'Name the master in `backend.url`; if this is to be one: redis-cli REPLICAOF NO ONE'
  return found === 'master'
    ? finding('role', 'pass', evidence)
    : finding('role', 'fail', evidence, mend)
}

function replicas({ info, config }: Server): Finding {
  const connected = info('connected_slaves')
  if (connected === null) return unknown('replicas')
  const evidence = `${connected} connected, min-replicas-to-write ${config('min-replicas-to-write') ?? 'unknown'}`
  return connected === '0'
    ? finding(
        'replicas',
        'warn',
        evidence,
        'Start a replica of it: redis-server --replicaof HOST PORT',
      )
    : finding('replicas', 'pass', evidence)
}

/** Of so many keys at most it is seen whose they are. */
const KEYS_LOOKED_AT = 10_000

/** Other keys compete for memory, and whoever flushes them flushes the store. */
async function isolation({ connection, keys }: Store, { databases }: Server): Promise<Finding> {
  const prefix = keys.tag.slice(0, keys.tag.indexOf(':') + 1)
  try {
    const own = /(?:^| )db=(\d+)/.exec(text(await connection.ask('CLIENT', 'INFO')))?.[1] ?? '0'
    const others = databases.filter((one) => one !== own)
    let [cursor, seen, foreign] = ['0', 0, 0]
    do {
      const [next, names] = list(await connection.ask('SCAN', cursor, 'COUNT', 1000))
      for (const name of list(names)) foreign += text(name).startsWith(prefix) ? 0 : 1
      seen += list(names).length
      cursor = text(next)
    } while (cursor !== '0' && seen < KEYS_LOOKED_AT)
    const said = others.length === 0 ? '' : `; databases in use beside it: ${others.join(', ')}`
    const evidence = `${foreign} of ${seen} keys looked at are not of Papyra${said}`
    if (foreign + others.length === 0) return finding('isolation', 'pass', evidence)
    const mend = `Give it a server of its own; what else is on this one: redis-cli --scan | grep -v '^${prefix}'`
    return finding('isolation', 'warn', evidence, mend)
  } catch (error) {
    if (failureOf(error)?.outcome === 'refused') return unknown('isolation')
    throw error
  }
}

async function expiry({ connection, keys }: Store): Promise<Finding> {
  const names = [keys.meta, keys.writers, ...keys.streams]
  try {
    const times = await connection.sendAll(names.map((name) => ['PTTL', name] as const))
    const expiring = names.filter((_, at) => Number(times[at]) >= 0)
    if (expiring.length === 0) return finding('expiry', 'pass', 'No key has a time to live.')
    const mend = `redis-cli PERSIST '${expiring[0]}'`
    return finding('expiry', 'fail', `With a time to live: ${expiring.join(', ')}`, mend)
  } catch (error) {
    if (failureOf(error)?.outcome === 'refused') return unknown('expiry')
    throw error
  }
}
