import { library, type Options } from '@papyra/build-config/tsup'

const config: Options = library({ entry: ['src/index.ts'] })

export default config
