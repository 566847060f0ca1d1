import { mkdtemp, rm } from 'node:fs/promises'
import { manualClock } from '@papyra/contracts'
import { backendConformance } from '@papyra/testkit'
import { acmeBackend, acmeDamage } from './acme-backend.js'

backendConformance({
  name: '@acme/papyra-backend',
  create: async () => {
    const path = await mkdtemp('/tmp/acme-')
    const another = () => acmeBackend({ path })
    const dispose = () => rm(path, { recursive: true })
    const damage = acmeDamage({ path })
    return { definition: another(), another, clock: manualClock(), damage, dispose }
  },
})
