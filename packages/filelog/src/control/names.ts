/** Where the owner of a store listens; `log` is what its lock file is named after. */
export function socketPath(log: string): string {
  return `${log}.sock`
}

/** In the lock file: where the owner listens, if it does. */
export const SOCKET_FACT = 'socket'
/** In the lock file: why the owner does not listen, though it takes appends. */
export const SOCKET_PROBLEM_FACT = 'socket_problem'
/** In the lock file: what the owner says first to whoever connects, so that it is known to be the owner. */
export const TOKEN_FACT = 'socket_token'
