import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PapyraError } from '@papyra/contracts'
import { CONFIG_NAMES } from '../config/discover.js'
import { INIT_BACKENDS } from '../args/values.js'
import type { Context } from '../context.js'
import { EXIT } from '../exit-codes.js'

const FORMATS = ['json', 'js', 'ts'] as const

/** Generous, and stated: thirty days, a million records, one gibibyte. */
const RETENTION = { maxAgeSeconds: 2_592_000, maxRecords: 1_000_000, maxTotalBytes: 1_073_741_824 }

/** `papyra init`: a first configuration in the working directory. Never overwrites one. */
export async function run({ args, io, out }: Context): Promise<number> {
  const format = args.choice('format', FORMATS) ?? 'json'
  const path = args.text('path')
  const use = args.choice('backend', INIT_BACKENDS) ?? (path?.endsWith('/') ? 'rotation' : 'json')
  const backend = backendConfig(use, path)
  const there = CONFIG_NAMES.find((name) => existsSync(join(io.cwd, name)))
  if (there !== undefined) {
    throw new PapyraError(
      'invalid_argument',
      `${join(io.cwd, there)} is there already; it was not touched.`,
      {
        hint: 'Edit it, or remove it first.',
      },
    )
  }
  const file = join(io.cwd, `papyra.config.${format}`)
  await writeFile(file, configText(format, backend), { flag: 'wx', mode: 0o644 })
  await out.line(['green', 'written'], `  ${file}`)
  await out.line('next:')
  await out.line('  papyra config show --origin')
  await out.line('  papyra persistence create --if-absent')
  await out.document('papyra.init/1', EXIT.ok, {
    file,
    format,
    path: backend.path ?? backend.dir,
    backend,
  })
  return EXIT.ok
}

/** Segments of a size that is quick to rewrite, and a new one each day. */
const SEGMENT = { maxBytes: 67_108_864, maxAgeSeconds: 86_400 }

function backendConfig(
  use: (typeof INIT_BACKENDS)[number],
  path: string | undefined,
): { readonly use: string; readonly [option: string]: unknown } {
  if (use === 'json') return { use, path: path ?? './data/papyra.ndjson' }
  return { use, dir: path ?? './data/papyra', segment: SEGMENT }
}

function configText(format: (typeof FORMATS)[number], backend: object): string {
  const config = {
    systemId: 'app',
    backend,
    startup: { mode: 'fail_on_anomaly' },
    retention: RETENTION,
  }
  const json = JSON.stringify(config, null, 2)
  if (format === 'json') return `${json}\n`
  const code = json
    .replace(/^(\s*)"(\w+)":/gm, '$1$2:')
    .replace(/: "([^"'\\]*)"/g, ": '$1'")
    .replace(/([\w'"}])$/gm, '$1,')
    .replace(/,$/, '')
  const about =
    '// Retention hides what is older; `papyra persistence compact` deletes it. Schedule both.\n'
  if (format === 'js') return `${about}export default ${code}\n`
  return `import { defineConfig } from '@papyra/core'\n\n${about}export default defineConfig(${code})\n`
}
