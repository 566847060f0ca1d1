import { conditions, timeouts } from '@papyra/build-config/vitest'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  ...conditions,
  test: {
    ...timeouts,
    projects: [
      'packages/*/vitest.config.ts',
      'apps/*/vitest.config.ts',
      { test: { ...timeouts, name: 'scripts', include: ['scripts/test/**/*.test.mjs'] } },
    ],
    // A run in which no test ran is a failure.
    passWithNoTests: false,
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
    },
  },
})

export default config
