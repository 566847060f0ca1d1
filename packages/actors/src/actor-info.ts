import type { ActorCell, ActorState } from './actor-cell.js'

/** What is known of one actor. */
export interface ActorInfo {
  readonly id: string
  readonly name: string | null
  readonly address: string
  /** The address of its parent. */
  readonly parent: string | null
  readonly state: ActorState
  /** Messages that wait in its mailbox. */
  readonly waiting: number
  /** Messages that were handled to their end. */
  readonly handled: number
  readonly restarts: number
  readonly children: number
}

export function infoOf(cell: ActorCell): ActorInfo {
  const { id, name, address, parent, state, waiting, handled, restarted, children } = cell
  return {
    id,
    name,
    address,
    parent: parent?.address ?? null,
    state,
    waiting,
    handled,
    restarts: restarted,
    children: children.size,
  }
}
