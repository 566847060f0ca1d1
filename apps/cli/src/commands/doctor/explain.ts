import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PapyraError } from '@papyra/contracts'
import { explainCode, explainPlace, type CodeStory, type PlaceStory } from '@papyra/doctor'
import { Args } from '../../args/args.js'
import { absolutePath } from '../../config/paths.js'
import { withProgress, type Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'
import type { Output } from '../../output/output.js'
import { resolveStore, SELECTORS } from '../../store.js'

/** `papyra doctor explain CODE | PATH:OFFSET`: what happened, and what each way out costs. */
export async function run(context: Context): Promise<number> {
  const { args, out } = context
  const asked = args.text('what') ?? ''
  const place = readPlace(asked)
  if (place === null) {
    const story = explainCode(asked)
    if (story === null) throw unknownCode(asked)
    await showStory(out, story)
    await out.document('papyra.doctor-explain/1', EXIT.ok, story)
    return EXIT.ok
  }
  const path = absolutePath(context.io.cwd, place.path)
  const store = await resolveStore(withStoreOf(context, path))
  const story = await withProgress(context, (operation) =>
    explainPlace(store.definition, { path, offset: place.offset }, operation),
  )
  await showPlace(out, story)
  await out.document('papyra.doctor-explain/1', EXIT.ok, story)
  return EXIT.ok
}

/** `path:offset`, or `path:offset+length` as a scan prints it. */
function readPlace(text: string): { readonly path: string; readonly offset: number } | null {
  const [, path, digits] = /^(.+):(\d{1,15})(?:\+\d+)?$/s.exec(text) ?? []
  return path === undefined ? null : { path, offset: Number(digits) }
}

/** Without a flag that names a store it is the one that the file belongs to, if the file is there. */
function withStoreOf(context: Context, path: string): Context {
  if (SELECTORS.some((name) => context.args.text(name) !== undefined)) return context
  if (!existsSync(path)) return context
  return { ...context, args: new Args(new Map([['path', storeOf(path)]])) }
}

function storeOf(path: string): string {
  const folder = statSync(path).isDirectory() ? path : dirname(path)
  if (existsSync(join(folder, 'manifest.json'))) return folder
  return path.replace(/\.(?:mark|meta\.json)$/, '')
}

function unknownCode(asked: string): PapyraError {
  return new PapyraError('invalid_argument', `There is no code ${JSON.stringify(asked)}.`, {
    hint: '`papyra explain` lists them all. A place is PATH:OFFSET, as a scan prints it.',
  })
}

async function showStory(out: Output, story: CodeStory): Promise<void> {
  const { code, kind, meaning, cause, modes, loss, first, exit } = story
  await out.line(['bold', code], ` (${kind})`)
  await out.line(`what happened:  ${meaning}`)
  if (cause !== null) await out.line(`how it happens: ${cause}`)
  for (const [mode, does] of Object.entries(modes ?? {})) {
    await out.line(`  ${mode.padEnd(16)} ${does}`)
  }
  await out.line(`what is lost:   ${loss}`)
  await out.line(['bold', 'do first:'], `       ${first}`)
  if (exit !== null) await out.line(`exit code:      ${exit}`)
}

async function showPlace(out: Output, story: PlaceStory): Promise<void> {
  const { path, offset, anomalies, nearest, stories, bytes } = story
  await out.line(['bold', `${path}:${offset}`])
  for (const { code, detail, seq } of anomalies) {
    const numbers = seq === null ? '' : `  seq ${seq.first} to ${seq.last}`
    await out.line(['red', code], `  ${detail}${numbers}`)
  }
  if (anomalies.length === 0) {
    await out.line(['green', 'sound'], '  a scan finds nothing wrong at this place')
    if (nearest !== null)
      await out.line(`  the nearest damage: ${nearest.code} at ${nearest.path}:${nearest.offset}`)
  }
  if (bytes === null) await out.line('  the place is not in a file that can be read')
  for (const { offset: from, hex, text } of bytes?.rows ?? []) {
    const here = offset >= from && offset < from + 16 ? '>' : ' '
    await out.line(`${here} ${String(from).padStart(12)}  ${hex.padEnd(47)}  ${text}`)
  }
  for (const one of stories) {
    await out.line('')
    await showStory(out, one)
  }
}
