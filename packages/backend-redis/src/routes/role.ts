import { text } from '../entry.js'
import type { Link } from '../link.js'
import { failureOf, noMaster } from '../redis-errors.js'

/** Rejects unless the server says that it is a master. One that may not be asked is taken for it. */
export async function requireMaster(link: Link, location: string): Promise<void> {
  let role = ''
  try {
    const reply = await link.call('ROLE', [])
    role = text(Array.isArray(reply) ? (reply[0] ?? null) : null)
  } catch (error) {
    if (failureOf(error)?.reason === 'NOPERM') return
    throw error
  }
  if (role === 'master') return
  throw noMaster(location, `The server that was named the master of ${location} is a ${role}.`)
}
