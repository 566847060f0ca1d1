import { PapyraError, throwIfAborted, type LongOperation } from '@papyra/contracts'
import { parseHello, parseReply, PROTOCOL_VERSION, type Hello, type Operation } from './protocol.js'
import { ReplyStream } from './reply-stream.js'
import type { VfsSockets } from '../vfs.js'
import { ownerText } from '../write/owner-line.js'
import { fromWire } from './wire-error.js'

/** How to reach one owner. */
export interface Address {
  readonly sockets: VfsSockets
  readonly path: string
  /** The store, as whoever asks knows it. */
  readonly location: string
  /** How long it may take to connect and to be greeted, in ms. */
  readonly helloMs: number
  /** An owner that works says so every other second; after so many ms without a word it does not. */
  readonly silenceMs: number
}

/** Why there was no greeting: the system's name of the error, `timeout`, or `no_hello`. */
export type Unanswered = { readonly unanswered: string }

export interface Greeted {
  readonly hello: Hello
  readonly replies: ReplyStream
}

/** Connects and waits for the greeting. */
export async function greet({ sockets, path, helloMs }: Address): Promise<Greeted | Unanswered> {
  const replies = new ReplyStream(sockets.connect(path))
  const first = await replies.next(helloMs)
  const hello = 'line' in first ? parseHello(first.line) : null
  if (hello !== null) return { hello, replies }
  replies.close()
  if ('silent' in first) return { unanswered: 'timeout' }
  return { unanswered: 'gone' in first && first.errno !== '' ? first.errno : 'no_hello' }
}

/** Throws `unsupported` if the owner speaks another version of the protocol. */
export function requireVersion({ version, owner }: Hello, location: string): void {
  if (version === PROTOCOL_VERSION) return
  throw new PapyraError(
    'unsupported',
    `The owner of ${location}, ${ownerText(owner)}, speaks version ${version} of the control protocol, not ${PROTOCOL_VERSION}.`,
    { hint: 'Use the version of papyra that the owner uses.', details: { path: location } },
  )
}

/** The connection was there and is not any more, or nothing comes: what became of it is not known. */
function lost({ location }: Address, { owner }: Hello, how: string): PapyraError {
  return new PapyraError(
    'backend_unreachable',
    `The owner of ${location}, ${ownerText(owner)}, ${how} before it had answered. What it was asked for is done or not done, never half.`,
    {
      hint: 'Look with `papyra persistence inspect`, then try again.',
      details: { path: location, ...owner },
    },
  )
}

/** Makes one request on a connection of its own and waits for its answer. */
export async function call(
  address: Address,
  { hello, replies }: Greeted,
  op: Operation,
  { options = {}, signal, onProgress }: LongOperation & { readonly options?: object } = {},
): Promise<unknown> {
  const cancel = (): void => {
    replies.send({ id: 1, op: 'cancel' })
    replies.hurry(address.helloMs)
  }
  try {
    throwIfAborted(signal)
    replies.send({ id: 1, op, options })
    signal?.addEventListener('abort', cancel, { once: true })
    for (;;) {
      const next = await replies.next(address.silenceMs)
      // Who asked for the end and hears nothing does not wait on; the owner stops when it can.
      if (!('line' in next)) throwIfAborted(signal)
      if ('silent' in next) throw lost(address, hello, 'stopped answering')
      if ('gone' in next) throw lost(address, hello, 'ended')
      const reply = parseReply(next.line)
      if (reply === null) throw lost(address, hello, 'sent what is no answer')
      if ('error' in reply) throw fromWire(reply.error)
      if ('result' in reply) return reply.result
      if ('progress' in reply) onProgress?.(reply.progress)
    }
  } finally {
    signal?.removeEventListener('abort', cancel)
    replies.close()
  }
}
