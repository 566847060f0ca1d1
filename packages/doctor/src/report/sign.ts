// Reports that somebody vouches for: Ed25519 over the report in a canonical form.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { PapyraError } from '@papyra/contracts'

export interface Signature {
  readonly algorithm: 'ed25519'
  /** DER (SPKI) in base64. */
  readonly publicKey: string
  /** In base64, over the canonical JSON of everything but the signature. */
  readonly value: string
}

/** A report as it is kept in a file. */
export interface SignedReport<Report extends object = object> {
  readonly schema: string
  readonly report: Report
  /** `null`: nobody vouches for it. */
  readonly signature: Signature | null
}

export interface KeyPair {
  /** PEM (PKCS 8). Keep it where only the operator reads it. */
  readonly privateKey: string
  /** PEM (SPKI). */
  readonly publicKey: string
  /** SHA-256 of the public key, as `SHA256:…`. */
  readonly fingerprint: string
}

/** Makes a new pair of keys. */
export function generateSigningKey(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    fingerprint: fingerprintOf(publicKey),
  }
}

/** Signs with a private key in PEM form; `null` leaves it unsigned. Throws `invalid_argument`. */
export function signReport<Report extends object>(
  schema: string,
  report: Report,
  privateKey: string | null,
): SignedReport<Report> {
  if (privateKey === null) return { schema, report, signature: null }
  const key = readKey(() => createPrivateKey(privateKey), 'private')
  const value = sign(null, bodyOf({ schema, report }), key).toString('base64')
  const publicKey = derOf(createPublicKey(key)).toString('base64')
  return { schema, report, signature: { algorithm: 'ed25519', publicKey, value } }
}

/** `signed`: as it was signed. `unsigned`: nobody vouches for it. `forged`: edited, or by another key. */
export interface Verification {
  readonly state: 'signed' | 'unsigned' | 'forged'
  /** Of the key that signed; `null` if unsigned. */
  readonly fingerprint: string | null
  /** For a person. */
  readonly detail: string
}

/**
 * Verifies a report. With a public key (PEM) it has to be by that one; without it only that the report is
 * as its signer left it is shown, and the fingerprint says who that was. Throws `invalid_argument` for a
 * public key that is none.
 */
export function verifyReport(kept: SignedReport, publicKey?: string): Verification {
  const { schema, report, signature } = kept
  if (signature === null) {
    return { state: 'unsigned', fingerprint: null, detail: 'Nobody signed it.' }
  }
  const wanted =
    publicKey === undefined ? null : readKey(() => createPublicKey(publicKey), 'public')
  let key: KeyObject
  try {
    const der = Buffer.from(signature.publicKey, 'base64')
    key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  } catch {
    return { state: 'forged', fingerprint: null, detail: 'Its public key is none.' }
  }
  const fingerprint = fingerprintOf(key)
  if (wanted !== null && fingerprintOf(wanted) !== fingerprint) {
    return { state: 'forged', fingerprint, detail: `It is signed by another key: ${fingerprint}.` }
  }
  const right = verify(
    null,
    bodyOf({ schema, report }),
    key,
    Buffer.from(signature.value, 'base64'),
  )
  if (right) return { state: 'signed', fingerprint, detail: `It is as ${fingerprint} signed it.` }
  return { state: 'forged', fingerprint, detail: 'It is not what was signed: it was edited.' }
}

function readKey(read: () => KeyObject, what: string): KeyObject {
  let key: KeyObject | null = null
  try {
    key = read()
  } catch {
    // What the text is must not get into a message.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key
  throw new PapyraError('invalid_argument', `The ${what} key is no Ed25519 key in PEM form.`, {
    hint: '`papyra doctor keygen` makes a pair.',
  })
}

const derOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })

const fingerprintOf = (key: KeyObject): string =>
  `SHA256:${createHash('sha256').update(derOf(key)).digest('base64').replace(/=+$/, '')}`

function bodyOf(body: { readonly schema: string; readonly report: object }): Buffer {
  return Buffer.from(canonical(body))
}

/** JSON with the members of each object in order, so that nothing depends on how it was printed. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}
