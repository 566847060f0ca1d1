import { library, type Options } from '@papyra/build-config/tsup'

const config: Options = library({ entry: ['src/index.ts', 'src/consumer-groups.ts'] })

export default config
