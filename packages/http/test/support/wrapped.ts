import type { Backend, BackendDefinition } from '@papyra/contracts'

/** A backend of which some methods are others; the rest is the real one. */
export function wrapped(
  definition: BackendDefinition,
  change: (backend: Backend) => Partial<Backend>,
): BackendDefinition {
  return {
    ...definition,
    async open(options) {
      const backend = await definition.open(options)
      const own = change(backend)
      return new Proxy(backend, {
        get(target, key) {
          if (key in own) return own[key as keyof Backend]
          const value: unknown = Reflect.get(target, key, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  }
}
