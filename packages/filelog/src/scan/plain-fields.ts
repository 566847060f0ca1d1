type Check = 'text' | 'count' | 'list' | 'any'

/** What a record of each kind has to have; more is allowed, and other kinds are not looked into. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  event: { system_id: 'text', actor_address: 'any', event_type: 'text', payload: 'any' },
  audit: {
    system_id: 'text',
    total_actors: 'count',
    alive_actors: 'count',
    stopping_actors: 'count',
    restarting_actors: 'count',
    registry_size: 'count',
    registry_orphans: 'list',
    registry_dead: 'list',
    dead_letters_count: 'count',
  },
  dead_letter: { system_id: 'text', target: 'any', message_type: 'text', payload: 'any' },
}

const IS: Readonly<Record<Check, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  count: (value) => typeof value === 'number' && Number.isFinite(value),
  list: Array.isArray,
  any: (value) => value !== undefined,
}

/** The first field that a plain record lacks or that has the wrong type; `null` if all are right. */
export function wrongField(record: Readonly<Record<string, unknown>>): string | null {
  const own = (name: string): unknown => (Object.hasOwn(record, name) ? record[name] : undefined)
  const kind = own('kind')
  if (typeof kind !== 'string' || kind === '') return 'kind'
  if (!IS.count(own('timestamp'))) return 'timestamp'
  const fields = Object.hasOwn(FIELDS, kind) ? FIELDS[kind] : undefined
  for (const [name, check] of Object.entries(fields ?? {})) if (!IS[check](own(name))) return name
  return null
}
