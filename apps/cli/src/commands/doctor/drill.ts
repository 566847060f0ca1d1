import { readFileSync } from 'node:fs'
import { PapyraError, type BackendDefinition } from '@papyra/contracts'
import {
  DRILLS,
  keepReport,
  parseReport,
  runDrills,
  signReport,
  verifyReport,
  type DrillName,
  type DrillOptions,
  type DrillReport,
  type PapyraProcess,
} from '@papyra/doctor'
import { absolutePath } from '../../config/paths.js'
import { withProgress, type Context } from '../../context.js'
import { copyOptions } from '../../copy-options.js'
import { EXIT } from '../../exit-codes.js'
import { showDrills } from '../../output/drill-view.js'
import { signingKey } from '../../signing.js'
import { resolveStore } from '../../store.js'

/** `papyra doctor drill`: failures, tried on a copy; `drill verify FILE`: a report, verified. */
export async function run(context: Context): Promise<number> {
  const { args, io, out } = context
  const what = args.text('drill') ?? 'all'
  const file = args.text('file')
  if (what === 'verify') return verify(context, file)
  if (file !== undefined) {
    throw new PapyraError('invalid_argument', `Unknown argument: ${file}.`, {
      hint: 'Only `papyra doctor drill verify` takes a file.',
    })
  }
  const drills = what === 'all' ? DRILLS : [nameOf(what)]
  const key = signingKey(context)
  const store = await resolveStore(context)
  const options = { ...optionsOf(context), drills, clock: io.clock }
  const report = await withProgress(context, (operation) =>
    runDrills(store.definition, { ...operation, ...options }),
  )
  const kept = signReport('papyra.drill/1', report, key)
  const folder = args.text('reports')
  const path = await keepReport(
    folder === undefined ? store.reports : absolutePath(io.cwd, folder),
    'drill',
    kept,
  )
  await showDrills(out, report)
  await out.line(`report  ${path}  (${verifyReport(kept).detail})`)
  if (report.exit !== 0 && out.quiet) await out.problem(['red', 'papyra: '], failureText(report))
  await out.document('papyra.drill/1', report.exit, { ...report, path, signed: key !== null })
  return report.exit
}

function nameOf(what: string): DrillName {
  const found = DRILLS.find((name) => name === what.toLowerCase().replaceAll('_', '-'))
  if (found !== undefined) return found
  throw new PapyraError('invalid_argument', `No drill is called ${JSON.stringify(what)}.`, {
    hint: `Use one of: all, ${DRILLS.join(', ')}, or verify.`,
  })
}

function optionsOf(context: Context): DrillOptions {
  const { args, io } = context
  const [seed, rounds] = [args.count('seed'), args.count('rounds')]
  return {
    ...copyOptions(context),
    ...(seed === undefined ? {} : { seed }),
    ...(rounds === undefined ? {} : { rounds }),
    command: (definition) => commandOn(io.self, definition),
    mayLimitProcess: io.self !== null,
  }
}

/** How this command is started on a copy: on those that a path names. */
function commandOn(
  self: Context['io']['self'],
  { name, location }: BackendDefinition,
): PapyraProcess | null {
  if (self === null || (name !== 'json' && name !== 'rotation')) return null
  const [file, ...first] = self
  return { file, first, last: ['--path', location] }
}

const failureText = ({ drills, original }: DrillReport): string => {
  const failed = drills.filter(({ state }) => state === 'fail').map(({ drill }) => drill)
  const changed = original.unchanged === false ? ['the original changed'] : []
  return `failed: ${[...failed, ...changed].join(', ')}`
}

async function verify({ args, io, out }: Context, file: string | undefined): Promise<number> {
  if (file === undefined)
    throw new PapyraError('invalid_argument', 'Which report is to be verified?')
  const path = absolutePath(io.cwd, file)
  const kept = parseReport(readFileSync(path, 'utf8'))
  if (kept === null) {
    throw new PapyraError('invalid_argument', `${path} is no report of a drill or a gate.`)
  }
  const publicKey = args.text('public-key')
  const verification = verifyReport(
    kept,
    publicKey === undefined ? undefined : readFileSync(absolutePath(io.cwd, publicKey), 'utf8'),
  )
  const { state, detail } = verification
  const exitCode = state === 'signed' ? EXIT.ok : EXIT.refused
  await out.line([state === 'signed' ? 'green' : 'red', state], `  ${path}  ${detail}`)
  if (state === 'signed' && publicKey === undefined)
    await out.note('Compare the fingerprint with the one that you know, or give --public-key.')
  if (exitCode !== EXIT.ok && out.quiet) await out.problem(`papyra: ${state}: ${detail}`)
  await out.document('papyra.verify/1', exitCode, { path, schema: kept.schema, ...verification })
  return exitCode
}
