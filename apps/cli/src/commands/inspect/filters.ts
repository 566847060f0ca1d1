import { PapyraError, type StoredRecord } from '@papyra/contracts'
import type { Context } from '../../context.js'
import { addressText } from './record.js'

/** Which records are wanted, beyond kind and time. */
export interface Filters {
  readonly since: number | undefined
  readonly until: number | undefined
  /** False if kind and time are all that matters: then a record need not be parsed. */
  readonly byContent: boolean
  matches(record: StoredRecord, members: ReadonlyMap<string, unknown>): boolean
}

type Test = (record: StoredRecord, members: ReadonlyMap<string, unknown>) => boolean

/** The filters of the command line. All of them must hold; they come before any limit. */
export function readFilters({ args, io }: Context): Filters {
  const now = io.clock.now()
  const since = args.time('since', now)
  const until = args.time('until', now)
  if (since !== undefined && until !== undefined && since >= until) {
    throw new PapyraError(
      'invalid_argument',
      '--since is not before --until, so nothing could match.',
    )
  }
  const tests: Test[] = args.list('where').map(whereTest)
  const type = args.text('type')
  if (type !== undefined)
    tests.push((record, members) => members.get(typeMember(record.kind)) === type)
  const target = args.text('target')
  if (target !== undefined) tests.push(targetTest(target))
  return {
    since,
    until,
    byContent: tests.length > 0,
    matches: (record, members) => tests.every((test) => test(record, members)),
  }
}

/** The member that says of which type a record is. */
export function typeMember(kind: string): string {
  return kind === 'dead_letter' ? 'message_type' : 'event_type'
}

function targetTest(target: string): Test {
  return (record, members) => {
    const stored = members.get(record.kind === 'dead_letter' ? 'target' : 'actor_address')
    return stored === target || addressText(stored) === target || JSON.stringify(stored) === target
  }
}

/** `key=value`: a dotted path, looked up in the record, then in its payload. */
function whereTest(text: string): Test {
  const at = text.indexOf('=')
  const path = text.slice(0, at).trim()
  if (at < 1 || path === '') {
    throw new PapyraError('invalid_argument', `--where cannot be ${JSON.stringify(text)}.`, {
      hint: 'Use KEY=VALUE, such as payload.id=A1 or system_id=shop.',
    })
  }
  const wanted = text.slice(at + 1)
  return (_record, members) => {
    const found = topValue(members, path) ?? valueAt(members.get('payload'), path)
    return found !== undefined && sameText(found, wanted)
  }
}

function sameText(value: unknown, wanted: string): boolean {
  return typeof value === 'string' ? value === wanted : JSON.stringify(value) === wanted
}

function topValue(members: ReadonlyMap<string, unknown>, path: string): unknown {
  if (members.has(path)) return members.get(path)
  const dot = path.indexOf('.')
  return dot < 0 ? undefined : valueAt(members.get(path.slice(0, dot)), path.slice(dot + 1))
}

/** Own members only. A name that holds dots is found before a path is tried. */
function valueAt(value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  const own = (name: string): unknown =>
    Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
  if (Object.hasOwn(value, path)) return own(path)
  const dot = path.indexOf('.')
  return dot < 0 ? undefined : valueAt(own(path.slice(0, dot)), path.slice(dot + 1))
}
