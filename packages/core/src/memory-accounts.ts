import type { AccountsPort, KeptText } from '@papyra/contracts'

/** The accounts of a memory store: kept as long as its records. */
export class MemoryAccounts implements AccountsPort {
  #text: string | null = null

  async read(): Promise<KeptText | null> {
    return this.#text === null ? null : { text: this.#text, sameBoot: true }
  }

  async open(): Promise<void> {}

  put(text: string): void {
    this.#text = text
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {}
}
