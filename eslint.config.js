// What Biome cannot see: promises that nobody waits for, and the size of files and functions.
// Formatting and everything else is Biome's; who may import whom is scripts/check-boundaries.mjs'.
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const promises = {
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/prefer-promise-reject-errors': 'error',
  '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
  '@typescript-eslint/no-explicit-any': 'error',
}

const sizes = {
  'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
  'max-params': ['warn', { max: 4 }],
}

const forms = {
  'no-restricted-syntax': [
    'error',
    { selector: 'ExportAllDeclaration[exported=null]', message: 'List the names.' },
    { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
  ],
}

const nodeInPure = {
  regex: '^node:',
  message: 'contracts, retention and core import nothing from Node.',
}

export default defineConfig(
  globalIgnores(['**/dist/', '**/coverage/', '**/node_modules/', '**/.turbo/', '**/testdata/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['packages/*/{src,test}/**/*.ts', 'apps/*/{src,test}/**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: {
      parser: tseslint.parser,
      // One program for all packages is much faster than one for each.
      parserOptions: { project: ['./tsconfig.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: promises,
  },
  {
    files: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
    rules: { ...sizes, ...forms },
  },
  {
    // Catalogues: data, one entry for each code.
    files: ['packages/contracts/src/{error-codes,anomalies}.ts'],
    rules: { 'max-lines': 'off' },
  },
  {
    files: ['packages/{contracts,retention,core}/src/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [nodeInPure] }] },
  },
)
