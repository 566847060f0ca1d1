import { backendConformance } from '../src/index.js'
import { arraySubject } from './array-backend/subject.js'

backendConformance({ name: 'array', create: () => arraySubject() })

backendConformance({
  name: 'array that can do little',
  create: () =>
    arraySubject({
      capabilities: {
        compaction: false,
        recovery: false,
        dryRun: false,
        plans: false,
        onlineCompaction: false,
      },
    }),
})

backendConformance({
  name: 'array without dry runs, many owners',
  create: () =>
    arraySubject({
      locks: false,
      capabilities: { dryRun: false, plans: false, exclusiveOwner: false },
    }),
})
