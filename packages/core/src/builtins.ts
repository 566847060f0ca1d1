const CHUNK = 0x2000

/** Base64 (RFC 4648, with padding) of bytes, with what every platform has. */
function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let start = 0; start < bytes.length; start += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(start, start + CHUNK))
  }
  return btoa(binary)
}

/** The bytes behind a value, if bytes are what it is. */
function bytesOf(value: object): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  if (value instanceof DataView) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer) {
    return new Uint8Array(value)
  }
  return undefined
}

function isError(value: object): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}

function errorMembers(error: Error): object {
  const members: Record<string, unknown> = { name: error.name, message: error.message }
  for (const key of ['code', 'stack', 'cause', 'errors'] as const) {
    if (key in error) members[key] = (error as Error & Record<string, unknown>)[key]
  }
  return members
}

/** The same content as a plain array, object or primitive; the value itself if it is plain already. */
function builtin(value: object): unknown {
  if (value instanceof Map) {
    const keys = [...value.keys()]
    return keys.every((key) => typeof key === 'string') ? Object.fromEntries(value) : [...value]
  }
  if (value instanceof Set) return [...value]
  if (value instanceof RegExp) return String(value)
  const bytes = bytesOf(value)
  if (bytes !== undefined) return toBase64(bytes)
  if (ArrayBuffer.isView(value)) return Array.from(value as ArrayBufferView & ArrayLike<unknown>)
  if (value instanceof Number || value instanceof String || value instanceof Boolean) {
    return value.valueOf()
  }
  if (value instanceof BigInt) return value.valueOf()
  return isError(value) ? errorMembers(value) : value
}

/**
 * What stands for an object in JSON: itself if it is a plain object or array; what its `toJSON`
 * returns; or a plain value for the built-in types that JSON does not know. May throw whatever the
 * object's own code throws.
 */
export function plainValue(value: object, key: string): unknown {
  const { toJSON } = value as { toJSON?: unknown }
  const proto: unknown = Object.getPrototypeOf(value)
  if (typeof toJSON !== 'function') {
    return proto === Object.prototype || proto === Array.prototype || proto === null
      ? value
      : builtin(value)
  }
  if (bytesOf(value) !== undefined) return builtin(value)
  const returned: unknown = toJSON.call(value, key)
  return typeof returned === 'object' && returned !== null ? builtin(returned) : returned
}
