import { Buffer } from 'node:buffer'
import { seedOf } from './checksum.js'
import { LF, sealLine, verifies } from './frame.js'

/** Keys whose members are named by data, not by us. */
const DATA_KEYS = new Set(['event', 'audit', 'dead_letter'])
/** So are counts by code: `error:write_failed`. */
const isData = (key: string): boolean => DATA_KEYS.has(key) || key.includes(':')

function mapKeys(value: unknown, map: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => mapKeys(item, map))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(
    ([k, v]) => [isData(k) ? k : map(k), mapKeys(v, map)] as const,
  )
  return Object.fromEntries(entries)
}

const toSnake = (key: string): string => key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
const toCamel = (key: string): string => key.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase())

/** One line of JSON with a checksum, names in snake_case, its end included. */
export function encodeSealedJson<T extends { readonly logId: string }>(
  kind: string,
  value: T,
): string {
  const { logId, ...rest } = value
  const body = JSON.stringify(mapKeys({ kind, logId, ...rest }, toSnake))
  return sealLine(body.slice(0, -1), seedOf(logId))
}

export type SealedJson =
  | { readonly state: 'ok'; readonly value: { readonly [key: string]: unknown } }
  | { readonly state: 'newer'; readonly format: number }
  | { readonly state: 'damaged' }

/** Reads such a line; `value` has the names in camelCase, without `kind` and `crc`. */
export function decodeSealedJson(kind: string, bytes: Uint8Array, formatRead: number): SealedJson {
  const end = bytes.length - 1
  if (end < 1 || bytes[end] !== LF || bytes.indexOf(LF) !== end) return { state: 'damaged' }
  let raw: Record<string, unknown>
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
    raw = JSON.parse(text) as Record<string, unknown>
  } catch {
    return { state: 'damaged' }
  }
  const logId = raw['log_id']
  if (raw['kind'] !== kind || typeof logId !== 'string') return { state: 'damaged' }
  if (!verifies(bytes, 0, end, seedOf(logId))) return { state: 'damaged' }
  const { kind: _kind, crc: _crc, ...value } = mapKeys(raw, toCamel) as Record<string, unknown>
  const format = value['format']
  if (typeof format === 'number' && format > formatRead) return { state: 'newer', format }
  return { state: 'ok', value }
}
