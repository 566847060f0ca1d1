import { resolve } from 'node:path'

/** The path, taken from a folder if it is relative. */
export function absolutePath(folder: string, path: string): string {
  return resolve(folder, path)
}
