import { PapyraError } from '@papyra/contracts'

/** An address taken apart: `shop://orders` is the actor `orders` of the system `shop`. */
export interface Address {
  readonly systemId: string
  /** A name, or an id, which begins with `$`. */
  readonly path: string
}

const SYSTEM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const ID = /^\$[a-z0-9]{1,32}-[1-9][0-9]{0,15}$/
const ADDRESS = /^([^/:]+):\/\/([^/]+)$/

/** Throws `invalid_argument` unless it can be the system's part of an address. */
export function requireSystemId(systemId: unknown): string {
  if (typeof systemId === 'string' && SYSTEM.test(systemId)) return systemId
  throw new PapyraError('invalid_argument', '`systemId` cannot be part of an address.', {
    hint: 'Use up to 63 letters, digits, dots, underscores and hyphens, a letter or digit first.',
  })
}

/** Throws `invalid_argument` unless it can be the name of an actor. */
export function requireName(name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  throw new PapyraError('invalid_argument', 'The name of an actor cannot be used.', {
    hint: 'Use up to 128 letters, digits, dots, underscores and hyphens, a letter or digit first.',
  })
}

/** `{ systemId: 'shop', path: 'orders' }` as `shop://orders`. Throws `invalid_argument`. */
export function formatAddress({ systemId, path }: Address): string {
  requireSystemId(systemId)
  if (!isPath(path)) throw invalid()
  return `${systemId}://${path}`
}

/** Takes `shop://orders` apart. Throws `invalid_argument` for any other text, even with a blank. */
export function parseAddress(text: string): Address {
  const [, systemId = '', path = ''] = (typeof text === 'string' && ADDRESS.exec(text)) || []
  if (!SYSTEM.test(systemId) || !isPath(path)) throw invalid()
  return { systemId, path }
}

function isPath(path: unknown): boolean {
  return typeof path === 'string' && (NAME.test(path) || ID.test(path))
}

function invalid(): PapyraError {
  return new PapyraError('invalid_argument', 'This is not the address of an actor.', {
    hint: 'An address is the system, `://`, and a name or an id, such as `shop://orders`.',
  })
}
