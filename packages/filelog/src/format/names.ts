/** Names of what stands beside a log. All of them start with the log's own name. */
export function markPath(log: string): string {
  return `${log}.mark`
}
export function sidecarPath(log: string): string {
  return `${log}.meta.json`
}
export function lockPath(log: string): string {
  return `${log}.lock`
}
export function accountsPath(log: string): string {
  return `${log}.accounts`
}
/** A temporary file that a rewrite makes; `what` says for which file it stands. */
export function tempPath(target: string, token: string): string {
  return `${target}.${token}.tmp`
}
/** Where the bytes go that a repair which made `generation` took out. */
export function removedPath(log: string, generation: number, token: string): string {
  return `${log}.g${String(generation).padStart(8, '0')}-${token}.removed`
}
/** Where an upgrade keeps the plain original. */
export function originalPath(log: string, token: string): string {
  return `${log}.${token}.original`
}
/** True for the name of a temporary file that belongs to `log` (both without their folder). */
export function isOwnTemp(log: string, name: string): boolean {
  return name.startsWith(`${log}.`) && /\.[0-9a-f]{12}\.tmp$/.test(name)
}
/** True for the name under which an upgrade of `log` keeps the original (both without their folder). */
export function isOwnOriginal(log: string, name: string): boolean {
  return name.startsWith(`${log}.`) && /^[0-9a-f]{12}\.original$/.test(name.slice(log.length + 1))
}
