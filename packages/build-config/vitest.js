// Settings that every package's vitest.config.ts and the root's share.
import { fileURLToPath } from 'node:url'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

// Node, which runs what is from outside, knows no `module`.
const sourceFirst = [
  'papyra-source',
  ...defaultServerConditions.filter((condition) => condition !== 'module'),
]

/** Resolve @papyra/* to their TypeScript sources, so that tests need no build. */
export const conditions = {
  resolve: { conditions: sourceFirst },
  ssr: { resolve: { conditions: sourceFirst, externalConditions: ['papyra-source'] } },
}

/** CI machines are shared and slow: a test that is merely slow there must not fail. */
export const timeouts = { testTimeout: 120_000, hookTimeout: 120_000, teardownTimeout: 30_000 }

export default defineConfig({
  ...conditions,
  test: {
    ...timeouts,
    include: ['test/**/*.test.ts'],
    setupFiles: [fileURLToPath(new URL('./seed.js', import.meta.url))],
    environment: 'node',
    pool: 'forks',
    passWithNoTests: true,
  },
})
