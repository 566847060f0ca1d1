import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rotationBackend } from '@papyra/backend-rotation'
import { parseConfig } from '@papyra/core'
import { expect, test } from 'vitest'
import { parseCommand } from '../src/args/parse.js'
import { backendOptions } from '../src/backends.js'
import { EXIT_CODES } from '../src/exit-codes.js'
import { at, list, nodesWith, readManifests, texts, type Node } from './fixtures/manifests.js'
import { seed, ticks, World } from './fixtures/world.js'

const folder = fileURLToPath(new URL('../../../deploy/', import.meta.url))
const read = (file: string): string => readFileSync(folder + file, 'utf8')
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== 'README.md')
  .map(({ parentPath, name }) => `${parentPath}/${name}`.replaceAll('//', '/').slice(folder.length))
  // Rules and dashboards have tests of their own: apps/monitoring. So have scripts: recipes.test.ts.
  .filter((file) => !/^(prometheus|grafana|backup|ci)\//.test(file))
  .sort()
const manifests = (file: string): Node[] => readManifests(read(`kubernetes/${file}`))

/** Lines of a unit or a crontab, without comments. */
const linesOf = (file: string): string[] =>
  read(file)
    .split('\n')
    .filter((line) => line !== '' && !/^[#;]/.test(line))

const unit = (name: string): Map<string, string[]> => {
  const keys = new Map<string, string[]>()
  for (const line of linesOf(`systemd/${name}`)) {
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (key === undefined) expect(line).toMatch(/^\[(Unit|Service|Timer|Install)\]$/)
    else keys.set(key, [...(keys.get(key) ?? []), value ?? ''])
  }
  return keys
}

/** The arguments of every call of the command, by the file that it stands in. */
function calls(): [string, string[]][] {
  const found: [string, string[]][] = []
  for (const file of files) {
    if (file.endsWith('.yaml')) {
      const commands = readManifests(read(file)).flatMap((one) => nodesWith(one, 'command'))
      found.push(...commands.map((one) => [file, texts(at(one, 'command'))] as [string, string[]]))
    } else {
      const lines = linesOf(file).filter((line) => line.includes('papyra persistence'))
      found.push(
        ...lines.map(
          (line) =>
            [file, line.replace(/^.*?(?=\S*papyra persistence)/, '').split(' ')] as [
              string,
              string[],
            ],
        ),
      )
    }
  }
  return found.map(([file, [command = '', ...argv]]) => {
    expect(basename(command)).toBe('papyra')
    return [file, argv]
  })
}

test('the README tells of every file, and which of them call the command is known', () => {
  const text = read('README.md')
  for (const file of files)
    expect(text).toContain(file.endsWith('.timer') ? '.timer' : `](${file})`)
  expect(files).toHaveLength(10)
  expect(calls().map(([file]) => file)).toEqual([
    'cron/papyra-compact',
    'cron/papyra-compact',
    'kubernetes/cronjob-compact.yaml',
    'kubernetes/deployment-startup-check.yaml',
    'kubernetes/deployment-startup-check.yaml',
    'systemd/papyra-compact.service',
    'systemd/papyra-scan.service',
    'systemd/shop.service',
  ])
})

test('every command line runs on a real store with the configuration of the manifest', async () => {
  const [map] = manifests('deployment-startup-check.yaml')
  const config = JSON.parse(String(at(map, 'data', 'papyra.config.json'))) as object
  const world = new World({ env: { NODE_ENV: 'production' } })
  const dir = world.path('data/papyra')
  world.write('papyra.config.json', {
    ...config,
    backend: { use: 'rotation', dir },
    retention: { maxRecords: 20 },
  })
  const backend = rotationBackend({ dir, ack: 'flushed', segment: { maxRecords: 10 } })
  const order = (argv: string[]): number =>
    ['create', 'startup-check', 'compact', 'scan'].indexOf(argv[1] ?? '')
  const sorted = calls().sort(([, a], [, b]) => order(a) - order(b))
  for (const [file, argv] of sorted) {
    if (argv[1] === 'startup-check') await seed(backend, (papyra) => ticks(papyra, 35))
    expect((await parseCommand(argv)).spec.words).toEqual(argv.slice(0, 2))
    const { code, stderr } = await world.run(...argv)
    expect(code, `${file}: ${argv.join(' ')}: ${stderr}`).toBe(0)
  }
  const { report } = (await world.run('persistence', 'inspect', '--json')).json()
  expect(report).toMatchObject({ metrics: { totals: { recordsStored: 20 } } })
})

test('cron: a line is a time, a user and a command; nothing in it is special to cron', () => {
  for (const line of linesOf('cron/papyra-compact')) {
    if (/^[A-Z_]+=\S+$/.test(line)) continue
    expect(line).toMatch(/^(?:[\d*]+ ){5}shop papyra persistence \w/)
    expect(line).not.toContain('%')
  }
  expect(read('cron/papyra-compact')).toMatch(/\n$/)
})

test('systemd: the timer has its service, both run as the user of the service', () => {
  expect(files).toContain('systemd/papyra-compact.service')
  const [timer, compact, shop] = [
    'papyra-compact.timer',
    'papyra-compact.service',
    'shop.service',
  ].map(unit)
  expect(timer?.get('OnCalendar')).toEqual(['*-*-* 03:17:00'])
  for (const key of ['User', 'Group']) expect(compact?.get(key)).toEqual(shop?.get(key))
  const scan = unit('papyra-scan.service')
  expect(unit('papyra-scan.timer').get('OnCalendar')).toEqual(['Sun *-*-* 04:47:00'])
  for (const key of ['User', 'Group']) expect(scan.get(key)).toEqual(shop?.get(key))
  for (const one of [compact, scan, shop])
    expect(one?.get('Environment')).toContain('PAPYRA_CONFIG=/etc/papyra/papyra.config.json')
  expect(shop?.get('ExecStartPre')?.[0]).toContain('startup-check')
  // The folder that the one may write is the state folder of the other, and sockets are found there.
  expect(compact?.get('ReadWritePaths')).toEqual([`/var/lib/${shop?.get('StateDirectory')?.[0]}`])
  for (const one of [compact, shop]) expect(one?.has('PrivateTmp')).toBe(false)
})

test('Kubernetes: names, mounts, users and labels fit together', () => {
  const [map, claim, deployment] = manifests('deployment-startup-check.yaml')
  const [job] = manifests('cronjob-compact.yaml')
  const pods = [
    at(deployment, 'spec', 'template'),
    at(job, 'spec', 'jobTemplate', 'spec', 'template'),
  ]
  for (const pod of pods) {
    const volumes = list(at(pod, 'spec', 'volumes'))
    expect(volumes.map((one) => at(one, 'name'))).toEqual(['data', 'papyra-config'])
    expect(at(volumes[0], 'persistentVolumeClaim', 'claimName')).toBe(at(claim, 'metadata', 'name'))
    expect(at(volumes[1], 'configMap', 'name')).toBe(at(map, 'metadata', 'name'))
    const containers = nodesWith(pod, 'image')
    for (const one of containers) {
      const mounts = list(at(one, 'volumeMounts')).map(
        (mount) => `${at(mount, 'name')}=${at(mount, 'mountPath')}`,
      )
      expect(mounts).toEqual(['data=/data', 'papyra-config=/etc/papyra'])
      expect(at(one, 'env', 0, 'value')).toBe('/etc/papyra/papyra.config.json')
    }
    expect(at(pod, 'spec', 'securityContext')).toEqual(at(pods[0], 'spec', 'securityContext'))
  }
  const labels = at(pods[0], 'metadata', 'labels')
  expect(at(deployment, 'spec', 'selector', 'matchLabels')).toEqual(labels)
  const affinity = nodesWith(job ?? '', 'topologyKey')[0]
  expect(at(affinity, 'topologyKey')).toBe('kubernetes.io/hostname')
  expect(at(affinity, 'labelSelector', 'matchLabels')).toEqual(labels)
  expect(at(claim, 'spec', 'accessModes')).toEqual(['ReadWriteOnce'])
  expect(at(deployment, 'spec', 'strategy', 'type')).toBe('Recreate')
})

test('Kubernetes: the configuration is valid, and busy is tried again', () => {
  const [map] = manifests('deployment-startup-check.yaml')
  const config = parseConfig(
    JSON.parse(String(at(map, 'data', 'papyra.config.json'))),
    'the manifest',
    { backendOptions },
  )
  expect(config).toMatchObject({
    environment: 'production',
    startup: { mode: 'fail_on_anomaly' },
    backend: { use: 'rotation', options: { dir: '/data/papyra' } },
  })
  const [rule] = nodesWith(manifests('cronjob-compact.yaml')[0] ?? '', 'onExitCodes')
  const codes = texts(at(rule, 'onExitCodes', 'values')).map(Number)
  const known = EXIT_CODES.map(({ code }) => code)
  for (const code of codes) expect(known).toContain(code)
  for (const code of [0, 75]) expect(codes).not.toContain(code)
  expect(at(rule, 'onExitCodes', 'containerName')).toBe('compact')
})

test('the compaction that the README configures is one', () => {
  const stated = /```json\n([\s\S]*?)```/.exec(read('README.md'))?.[1] ?? ''
  const { compaction } = parseConfig(JSON.parse(stated), 'the README')
  expect(compaction).toMatchObject({ every: '24h', throttle: { bytesPerSecond: 20_000_000 } })
})

test('the reader of manifests takes plain YAML alone', () => {
  for (const text of [
    'a: &x b',
    'a: [1]',
    'a:\n\tb',
    'a: {b: c}',
    'a: >',
    'a: b\na: c',
    'a:',
    "a: 'b'",
  ])
    expect(() => readManifests(text), text).toThrow()
  expect(readManifests('a:\n  - b: "1 2"\n    c: d\n  - e\n---\nf: |\n  g\n')).toEqual([
    { a: [{ b: '1 2', c: 'd' }, 'e'] },
    { f: 'g' },
  ])
})
