import type { ViteUserConfig } from 'vitest/config'

/** Resolve @papyra/* to their TypeScript sources, so that tests need no build. */
export declare const conditions: Pick<ViteUserConfig, 'resolve' | 'ssr'>

/** Timeouts in milliseconds for slow, shared CI machines. */
export declare const timeouts: {
  testTimeout: number
  hookTimeout: number
  teardownTimeout: number
}

declare const config: ViteUserConfig
export default config
