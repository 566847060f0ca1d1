import { ANOMALY_CODES, ERROR_CODES, NOTICE_CODES, PapyraError } from '@papyra/contracts'
import type { Context } from '../context.js'
import { EXIT, EXIT_CODES } from '../exit-codes.js'

interface Explanation {
  readonly code: string
  readonly kind: 'error' | 'anomaly' | 'notice' | 'exit_code'
  readonly meaning: string
  readonly action?: string
  readonly repair?: string
  readonly data?: string
  readonly exit?: number
}

/** `papyra explain CODE`: the catalogues, one entry or the list. */
export async function run({ args, out }: Context): Promise<number> {
  const code = args.text('code')
  const all = explanations()
  if (code === undefined) {
    for (const { kind, code: one, meaning } of all)
      await out.line(`${kind.padEnd(9)}  ${one.padEnd(24)}  ${meaning}`)
    await out.document('papyra.explain/1', EXIT.ok, { explanations: all })
    return EXIT.ok
  }
  const wanted = code.toLowerCase().replaceAll('-', '_')
  const found = all.filter((one) => one.code === wanted)
  if (found.length === 0) {
    throw new PapyraError('invalid_argument', `There is no code ${JSON.stringify(code)}.`, {
      hint: '`papyra explain` lists them all.',
    })
  }
  for (const one of found) {
    await out.line(['bold', one.code], ` (${one.kind.replace('_', ' ')})`)
    await out.line(one.meaning)
    if (one.repair !== undefined) await out.line(`repair:     ${one.repair}`)
    if (one.data !== undefined) await out.line(`the data:   ${one.data.replaceAll('_', ' ')}`)
    if (one.action !== undefined) await out.line(`what to do: ${one.action}`)
    if (one.exit !== undefined) await out.line(`exit code:  ${one.exit}`)
  }
  await out.document('papyra.explain/1', EXIT.ok, { explanations: found })
  return EXIT.ok
}

function explanations(): Explanation[] {
  return [
    ...Object.entries(ERROR_CODES).map(([code, entry]) => ({
      code,
      kind: 'error' as const,
      ...entry,
    })),
    ...Object.entries(ANOMALY_CODES).map(([code, entry]) => ({
      code,
      kind: 'anomaly' as const,
      ...entry,
    })),
    ...Object.entries(NOTICE_CODES).map(([code, entry]) => ({
      code,
      kind: 'notice' as const,
      ...entry,
    })),
    ...EXIT_CODES.map(({ code, name, meaning }) => ({
      code: String(code),
      kind: 'exit_code' as const,
      meaning: `${name}: ${meaning}`,
    })),
  ]
}
