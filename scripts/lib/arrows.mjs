// Who may import whom at run time: the table of docs/architecture.md as data.
// `external` are the packages from outside that the sources may use.
// `dev` are packages that only the tests may use, besides.
// `pure` sources import nothing from Node; only those with `files` may import node:fs.
const file = { papyra: ['contracts', 'retention', 'filelog'] }
const everything = ['*']

export const ARROWS = {
  contracts: { papyra: [], pure: true },
  retention: { papyra: ['contracts'], pure: true },
  filelog: { papyra: ['contracts'], files: true },
  core: { papyra: ['contracts', 'retention'], pure: true },
  'backend-json': file,
  'backend-rotation': file,
  'backend-redis': { papyra: ['contracts', 'retention'], external: ['ioredis'] },
  // The README and the tests of faults use a real file.
  actors: { papyra: ['contracts', 'core'], dev: ['backend-json'] },
  otel: {
    papyra: ['contracts'],
    external: ['@opentelemetry/api'],
    // What its tests observe.
    dev: ['core', 'backend-json'],
  },
  // The store of its tests; frameworks only ever in tests.
  http: { papyra: ['contracts', 'core'], dev: ['backend-json'] },
  doctor: {
    papyra: ['contracts', 'retention', 'core'],
    files: true,
    // The stores of its tests.
    dev: ['backend-json', 'backend-rotation'],
  },
  testkit: { papyra: ['contracts'], external: ['fast-check', 'vitest'], files: true },
  cli: {
    papyra: ['contracts', 'core', 'doctor', 'backend-json', 'backend-rotation'],
    external: ['yargs', 'jiti'],
    // Loaded where it is named; its tests need it, and disks that fail.
    dev: ['backend-redis', 'filelog'],
    files: true,
  },
  // Private programs. They may also use the ./testing subpaths.
  demo: { papyra: ['core', 'actors', 'backend-json', 'filelog', 'http', 'cli'], files: true },
  bench: { papyra: everything, external: everything, files: true, testing: true },
  // Rules and dashboards as code; its tests scrape a real service.
  monitoring: {
    papyra: ['contracts', 'http'],
    external: ['@grafana/grafana-foundation-sdk'],
    dev: ['core', 'filelog', 'backend-json', 'backend-redis', 'otel'],
  },
  torture: { papyra: everything, external: everything, files: true, testing: true },
  'build-config': {
    papyra: [],
    external: ['esbuild', 'fast-check', 'tsup', 'vite', 'vitest'],
    files: true,
  },
}

/** What every package may have among its devDependencies, beside its own arrows. */
export const DEV_PACKAGES = ['testkit', 'build-config']
