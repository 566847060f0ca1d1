import { PapyraError, type AccountsPort, type KeptText } from '@papyra/contracts'
import {
  ACCOUNTS_SLOT_BYTES,
  encodeAccountsSlot,
  freshAccounts,
  newestSlot,
  type AccountsSlot,
} from '../format/accounts-slot.js'
import { accountsPath } from '../format/names.js'
import type { Vfs, VfsFile } from '../vfs.js'
import { readSmallFile, writeFileAtomic } from './atomic-write.js'
import { ioError } from './io-error.js'

/** A slot that its owner is writing may be read half old and half new: then it is read so often. */
const MOST_READS = 8

/**
 * The accounts beside a log: two slots, of which the one is written that was not synced last, so that
 * a power cut, which may tear what is not synced, leaves one of them.
 */
export class AccountsFile implements AccountsPort {
  readonly #vfs: Vfs
  readonly #path: string
  readonly #like: string
  #file: VfsFile | null = null
  #turn = 0
  /** What was written last is not synced. */
  #dirty = false

  /** For the log at `log`; the file gets the mode and owner of `like`. */
  constructor(vfs: Vfs, log: string, like: string = log) {
    this.#vfs = vfs
    this.#path = accountsPath(log)
    this.#like = like
  }

  async read(): Promise<KeptText | 'damaged' | null> {
    const slot = await this.#newest()
    if (slot === null || slot === 'damaged') return slot
    if (slot.text === '') return null
    const { bootId } = this.#vfs.host
    const known = bootId !== '' && slot.bootId !== ''
    return { text: slot.text, sameBoot: known ? slot.bootId === bootId : null }
  }

  async open(): Promise<void> {
    if (this.#file !== null) return
    const vfs = this.#vfs
    const newest = await this.#newest()
    try {
      if (newest === null || newest === 'damaged') {
        const like = await vfs.stat(this.#like)
        // A folder may be searched; a file is not run.
        const looks = like === null ? null : { ...like, mode: like.mode & 0o666 }
        await writeFileAtomic(vfs, this.#path, freshAccounts(), looks)
      }
      this.#file = await vfs.open(this.#path, 'read-write')
      // Whoever wrote it may have been killed before a sync.
      await this.#file.datasync()
    } catch (error) {
      await this.close()
      throw ioError(error, 'Opening', this.#path)
    }
    this.#turn = newest === null || newest === 'damaged' ? 0 : newest.turn
    this.#dirty = false
  }

  put(text: string): void {
    const file = this.#file
    if (file === null) throw new PapyraError('closed', `${this.#path} is not open.`)
    const turn = this.#turn + (this.#dirty ? 2 : 1)
    const slot = encodeAccountsSlot({ turn, bootId: this.#vfs.host.bootId, text })
    if (slot === null) {
      throw new PapyraError('invalid_argument', 'The text of the accounts is too long.')
    }
    let written = 0
    try {
      written = file.writeSync(slot, 0, slot.length, (turn % 2) * ACCOUNTS_SLOT_BYTES)
    } catch (error) {
      throw ioError(error, 'Writing', this.#path)
    }
    if (written !== slot.length) {
      throw new PapyraError(
        'io_error',
        `Writing ${this.#path} failed: ${written} bytes were taken.`,
      )
    }
    this.#turn = turn
    this.#dirty = true
  }

  async sync(): Promise<void> {
    const turn = this.#turn
    try {
      await this.#file?.datasync()
    } catch (error) {
      throw ioError(error, 'Syncing', this.#path)
    }
    if (this.#turn === turn) this.#dirty = false
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  async #newest(): Promise<AccountsSlot | 'damaged' | null> {
    for (let reads = 1; ; reads++) {
      const bytes = await readSmallFile(this.#vfs, this.#path, 4 * ACCOUNTS_SLOT_BYTES)
      if (bytes === null || bytes === 'damaged') return bytes
      const { newest, whole } = newestSlot(bytes)
      if (whole || reads === MOST_READS) return newest
    }
  }
}
