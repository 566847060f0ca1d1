import type { VfsStat } from '../vfs.js'

/**
 * What the system says of a file that does not change by itself: inode, and when its bytes and its
 * entry were changed last. If all of it is as it was when the file was verified, nobody has written
 * to it since. Times that a power cut took back differ too: then the file is read once more.
 */
export function stampOf({ inode, mtimeNs, ctimeNs }: VfsStat): string {
  return `${inode} ${mtimeNs} ${ctimeNs}`
}
