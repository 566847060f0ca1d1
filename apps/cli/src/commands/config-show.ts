import type { PapyraConfig } from '@papyra/core'
import { backendSettings, readConfiguration } from '../config/resolve.js'
import type { Setting } from '../config/settings.js'
import type { Context } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { tableLines } from '../output/table.js'

/** Keys whose value in force is worked out by the layers. */
const LAYERED: readonly string[] = [
  'backend',
  'startup',
  'retention',
  'environment',
  'expectLogId',
  'waitLockMs',
  'quarantineDir',
]

/** `papyra config show`: every value in force, with `--origin` where each came from. */
export async function run(context: Context): Promise<number> {
  const { args, out } = context
  const { loaded, origins, backend } = await readConfiguration(context)
  const rest = loaded === null ? [] : otherSettings(loaded.config, loaded.file.path)
  const settings = [...backendSettings(backend), ...origins, ...rest].sort((a, b) =>
    a.key < b.key ? -1 : 1,
  )
  const shown = settings.map(({ key, value, origin }) => [
    key,
    valueText(plain(key, value)),
    ...(args.flag('origin') ? [origin] : []),
  ])
  await out.line(
    `configuration: ${loaded === null ? 'none found' : `${loaded.file.path} (${loaded.file.foundBy})`}`,
  )
  await out.lines(tableLines(['KEY', 'VALUE', ...(args.flag('origin') ? ['ORIGIN'] : [])], shown))
  await out.document('papyra.config/1', EXIT.ok, {
    file: loaded?.file.path ?? null,
    foundBy: loaded?.file.foundBy ?? null,
    settings: settings.map((setting) => ({ ...setting, value: plain(setting.key, setting.value) })),
  })
  return EXIT.ok
}

/** What the file states beside; functions and validators by their kind alone. */
function otherSettings(config: PapyraConfig, origin: string): Setting[] {
  return Object.entries(config)
    .filter(([key]) => !LAYERED.includes(key))
    .map(([key, value]) => ({ key, value: value as unknown, origin }))
}

const SECRET = /password|secret|token|credential|api_?key/i

/** JSON of a value; secrets and what JSON cannot hold are named, not shown. */
function plain(key: string, value: unknown): unknown {
  if (SECRET.test(key) && value !== null && value !== undefined) return '***'
  if (typeof value === 'function') return '[function]'
  if (Array.isArray(value)) return value.map((item) => plain('', item))
  if (typeof value !== 'object' || value === null) return value ?? null
  if (Object.getPrototypeOf(value) !== Object.prototype) return '[object]'
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(name, item)]))
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null)
}
