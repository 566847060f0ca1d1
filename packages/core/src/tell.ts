/** Calls a hook. A hook is told, it has no say: what it throws changes nothing. */
export function tell<T>(hook: ((told: T) => void) | undefined, told: T): void {
  try {
    hook?.(told)
  } catch {
    // What was to be told has happened all the same.
  }
}
