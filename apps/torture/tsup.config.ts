import { app, type Options } from '@papyra/build-config/tsup'

const config: Options = app({ entry: ['src/main.ts'] })

export default config
