import { open } from 'node:fs/promises'

/** Bytes of a file around a place. */
export interface ByteWindow {
  /** Of the first byte. */
  readonly offset: number
  /** Of the whole file. */
  readonly size: number
  readonly rows: readonly DumpRow[]
}

/** Up to 16 bytes. */
export interface DumpRow {
  readonly offset: number
  /** Two digits a byte, blanks between. */
  readonly hex: string
  /** Printable ASCII; anything else is a dot. */
  readonly text: string
}

const ROW = 16

/** Reads at most `2 * around` bytes around the place. Rejects as the system does. */
export async function readWindow(path: string, offset: number, around = 64): Promise<ByteWindow> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const from = Math.max(0, Math.floor((Math.min(offset, size) - around) / ROW) * ROW)
    const buffer = Buffer.alloc(Math.max(0, Math.min(size, offset + around) - from))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
    return { offset: from, size, rows: rowsOf(buffer.subarray(0, bytesRead), from) }
  } finally {
    await file.close()
  }
}

function rowsOf(bytes: Buffer, from: number): DumpRow[] {
  const rows: DumpRow[] = []
  for (let at = 0; at < bytes.length; at += ROW) {
    const row = [...bytes.subarray(at, at + ROW)]
    rows.push({
      offset: from + at,
      hex: row.map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
      text: row
        .map((byte) => (byte < 0x20 || byte > 0x7e ? '.' : String.fromCharCode(byte)))
        .join(''),
    })
  }
  return rows
}
