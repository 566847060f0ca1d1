import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkBoundaries } from '../check-boundaries.mjs'

/** A small workspace that obeys every rule. */
const sound = {
  'packages/contracts/package.json': manifest('contracts'),
  'packages/contracts/src/index.ts': "export { word } from './word.js'",
  'packages/contracts/src/word.ts': "export const word: string = 'w'",
  'packages/filelog/package.json': manifest('filelog', {
    dependencies: { '@papyra/contracts': 'workspace:^' },
    exports: { '.': './src/index.ts', './testing': './src/testing/index.ts' },
  }),
  'packages/filelog/src/index.ts': "import 'node:fs'\nexport { word } from '@papyra/contracts'",
  'packages/filelog/src/testing/index.ts': "export const broken: string = 'x'",
  'packages/backend-json/package.json': manifest('backend-json', {
    dependencies: { '@papyra/contracts': 'workspace:^', '@papyra/filelog': 'workspace:^' },
    devDependencies: { '@papyra/testkit': 'workspace:^', vitest: 'catalog:' },
  }),
  'packages/backend-json/src/index.ts': "import '@papyra/filelog'",
  'packages/backend-json/test/a.test.ts':
    "import 'vitest'\nimport 'node:fs'\nimport '@papyra/testkit'\nimport '@papyra/filelog/testing'",
  'packages/testkit/package.json': manifest('testkit', {
    dependencies: { '@papyra/contracts': 'workspace:^', 'fast-check': 'catalog:' },
  }),
  'packages/testkit/src/index.ts':
    "import 'fast-check'\nimport type { word } from '@papyra/contracts'",
}

const violations = [
  [
    'an arrow that points up',
    'packages/filelog/src/x.ts',
    "import '@papyra/core'",
    /may not import core/,
  ],
  [
    'a dynamic import',
    'packages/filelog/src/x.ts',
    "await import('@papyra/testkit')",
    /may not import/,
  ],
  [
    'an import type',
    'packages/filelog/src/x.ts',
    "type A = import('@papyra/testkit').A",
    /may not/,
  ],
  [
    'a deep import',
    'packages/backend-json/src/x.ts',
    "import '@papyra/filelog/src/a.js'",
    /not exported/,
  ],
  [
    'a deep import in a test',
    'packages/backend-json/test/x.ts',
    "import '@papyra/filelog/dist/a.js'",
    /not exported/,
  ],
  [
    'a path out of the package',
    'packages/filelog/test/x.ts',
    "import '../../contracts/src/index.js'",
    /leaves the package/,
  ],
  ['export *', 'packages/contracts/src/x.ts', "export * from './word.js'", /export \*/],
  [
    './testing in src',
    'packages/backend-json/src/x.ts',
    "import '@papyra/filelog/testing'",
    /no .\/testing/,
  ],
  [
    'its own ./testing in src',
    'packages/filelog/src/x.ts',
    "import './testing/index.js'",
    /own .\/testing/,
  ],
  [
    'node: in a pure package',
    'packages/contracts/src/x.ts',
    "import 'node:path'",
    /nothing from Node/,
  ],
  [
    'a bare builtin in a pure package',
    'packages/contracts/src/x.ts',
    "import 'path'",
    /nothing from Node/,
  ],
  [
    'node:fs outside filelog',
    'packages/backend-json/src/x.ts',
    "import 'node:fs/promises'",
    /filelog only/,
  ],
  [
    'a package from outside',
    'packages/filelog/src/x.ts',
    "import 'lodash'",
    /lodash is not allowed/,
  ],
  [
    'an undeclared package in a test',
    'packages/filelog/test/x.ts',
    "import '@papyra/testkit'",
    /not among/,
  ],
  [
    'a dependency from outside',
    'packages/contracts/package.json',
    manifest('contracts', { dependencies: { lodash: '^4' } }),
    /may not be among/,
  ],
  [
    'a cycle through devDependencies',
    'packages/contracts/package.json',
    manifest('contracts', { devDependencies: { '@papyra/testkit': 'workspace:^' } }),
    /cycle: contracts → testkit → contracts/,
  ],
  [
    'a file that imports the one it is imported by',
    'packages/contracts/src/word.ts',
    "import './index.js'\nexport const word: string = 'w'",
    /packages\/contracts: circle of imports: src\/index.ts → src\/word.ts → src\/index.ts/,
  ],
  [
    'a circle of types',
    'packages/contracts/src/word.ts',
    "import type { word as w } from './index.js'\nexport const word: string = 'w'",
    /circle of imports: src\/index.ts → src\/word.ts → src\/index.ts/,
  ],
  [
    'a circle through a dynamic import',
    'packages/contracts/src/word.ts',
    "export const word = async () => import('./index.js')",
    /circle of imports: src\/index.ts → src\/word.ts → src\/index.ts/,
  ],
  ['a package without arrows', 'packages/extra/package.json', manifest('extra'), /not in scripts/],
]

let base

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'papyra-boundaries-'))
  for (const [file, text] of Object.entries(sound)) write(file, text)
})

afterEach(() => rmSync(base, { recursive: true, force: true }))

test('a sound workspace has no problems', () => {
  expect(checkBoundaries(base)).toEqual([])
})

test('two ways to one file are no circle', () => {
  write('packages/contracts/src/a.ts', "import './b.js'\nimport './word.js'")
  write('packages/contracts/src/b.ts', "import './word.js'")
  expect(checkBoundaries(base)).toEqual([])
})

describe('a violation is found', () => {
  test.each(violations)('%s', (_, file, text, message) => {
    write(file, text)
    expect(checkBoundaries(base).join('\n')).toMatch(message)
  })

  test('a circle of three files, in two folders', () => {
    write('packages/contracts/src/a.ts', "import { type B } from './sub/b.js'\nexport type A = B")
    write('packages/contracts/src/sub/b.ts', "export type { C as B } from '../c.js'")
    write('packages/contracts/src/c.ts', "export type C = import('./a.js').A | 1")
    const circle = 'src/a.ts → src/sub/b.ts → src/c.ts → src/a.ts'
    expect(checkBoundaries(base)).toEqual([`packages/contracts: circle of imports: ${circle}`])
  })

  test('an arrow that the table allows, but the manifest does not declare', () => {
    write('packages/retention/package.json', manifest('retention'))
    write('packages/backend-json/src/x.ts', "import '@papyra/retention'")
    expect(checkBoundaries(base).join('\n')).toMatch(/@papyra\/retention is not among/)
  })
})

function write(file, text) {
  const path = join(base, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function manifest(name, fields = {}) {
  return JSON.stringify({ name: `@papyra/${name}`, exports: { '.': './src/index.ts' }, ...fields })
}
