// The one place that knows the build tool.

const shared = {
  format: /** @type {const} */ (['esm']),
  target: 'node20',
  platform: /** @type {const} */ ('node'),
  clean: true,
  sourcemap: true,
  treeshake: false,
  splitting: true,
}

/** A published library: JavaScript and declarations. */
export function library(overrides = {}) {
  return { ...shared, entry: ['src/index.ts'], dts: true, ...overrides }
}

/** A program: JavaScript only. */
export function app(overrides = {}) {
  return { ...shared, entry: ['src/main.ts'], dts: false, ...overrides }
}

export default library()
