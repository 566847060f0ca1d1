/** What every message has: a type, by which handlers are chosen and dead letters grouped. */
export interface Message {
  readonly type: string
}

/** Carries the type of a reply through the compiler; nothing of it exists at run time. */
declare const REPLY: unique symbol

interface Carrier<Reply> {
  readonly [REPLY]?: { readonly reply: Reply }
}

/**
 * A message that is answered with a `Reply`.
 *
 * ```ts
 * type Till = { type: 'add'; cents: number } | Ask<{ type: 'total' }, number>
 * ```
 */
export type Ask<M extends Message, Reply> = M & Carrier<Reply>

/** The reply that a message is answered with; `undefined` for a message that has none. */
export type ReplyOf<M> = M extends unknown
  ? typeof REPLY extends keyof M
    ? Required<M>[typeof REPLY & keyof M] extends { readonly reply: infer Reply }
      ? Reply
      : never
    : undefined
  : never

/** The messages of one type among those of a protocol. */
export type MessageOf<M extends Message, Type extends string> = M extends Message
  ? Type extends M['type']
    ? M
    : never
  : never

/** What may be sent to an actor whose protocol is not known to the compiler. */
export type AnyMessage = Ask<Message & { readonly [member: string]: unknown }, unknown>

/** The type of whatever was sent, as facts name it. Never throws, never empty. */
export function messageType(message: unknown): string {
  try {
    if (typeof message === 'object' && message !== null) {
      const { type } = message as { type?: unknown }
      if (typeof type === 'string' && type !== '') return type
      const name: unknown = (message as object).constructor?.name
      return typeof name === 'string' && name !== '' ? name : 'object'
    }
  } catch {
    return 'unknown'
  }
  return message === null ? 'null' : typeof message
}
