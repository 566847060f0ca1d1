import type { BackendDefinition } from '@papyra/contracts'
import type { BackendChoice } from '@papyra/core'

/** Where a store is named, and what is named. */
export interface ChosenBackend {
  readonly choice: BackendChoice | BackendDefinition
  /** Folder that relative paths and packages start from. */
  readonly folder: string
  readonly trusted: boolean
  readonly origin: string
}
