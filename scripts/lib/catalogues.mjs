// The catalogues that the documents are made of, loaded from their TypeScript sources.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundleForNode } from '@papyra/build-config/bundle'
import { root } from './workspace.mjs'

export async function loadCatalogues() {
  const contracts = await load('packages/contracts/src/index.ts')
  const core = await load('packages/core/src/log-events.ts')
  const names = await load('packages/http/src/metric-names.ts')
  const monitoring = await load('apps/monitoring/src/main.ts')
  const cli = await load('apps/cli/src/exit-codes.ts')
  return {
    errors: contracts.ERROR_CODES,
    anomalies: contracts.ANOMALY_CODES,
    logEvents: core.LOG_EVENTS,
    notices: contracts.NOTICE_CODES ?? {},
    metrics: contracts.METRIC_DEFINITIONS,
    instruments: {
      owner: [contracts.FACT_INSTRUMENTS, contracts.OWNER_INSTRUMENTS].flatMap(Object.values),
      times: [contracts.TIME_INSTRUMENTS, contracts.CODE_INSTRUMENTS].flatMap(Object.values),
      groups: Object.values(contracts.GROUP_INSTRUMENTS),
      service: Object.values(contracts.SERVICE_INSTRUMENTS),
    },
    prometheusName: names.prometheusName,
    familyName: names.familyName,
    monitoring: monitoring.monitoringFiles(),
    exits: cli.EXIT_CODES.toSorted((a, b) => a.code - b.code),
  }
}

async function load(file) {
  const path = join(root, file)
  if (!existsSync(path)) throw new Error(`${file} is missing`)
  return import(pathToFileURL(await bundleForNode(path)).href)
}
