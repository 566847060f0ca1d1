/** Calls `run` once in `ms` milliseconds, unless the process has ended; gives a way to call that off. */
export function unrefTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
