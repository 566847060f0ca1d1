import { PapyraError } from '@papyra/contracts'

/** Something in the store is not as its manifest says, so that it is not compacted. */
export function damaged(path: string, offset: number, what: string): PapyraError {
  return new PapyraError('anomalies_found', `${path} was not compacted: ${what}.`, {
    details: { path, offset },
  })
}
