export {
  instrumentPapyra,
  type Instrumentation,
  type InstrumentOptions,
  type InstrumentedStore,
} from './instrument.js'
