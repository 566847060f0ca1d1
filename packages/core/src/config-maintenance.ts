import { PapyraError } from '@papyra/contracts'
import { inside, invalid, members, text, type Read, type Shape } from './config-read.js'
import { checkThrottle, type MaintenanceTiming } from './maintenance.js'
import { checkTiming } from './scheduler.js'

const number: Read<number> = (value, place) => {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw invalid(place, 'a number is needed')
}

const TIMING: Shape = {
  every: text,
  window: (value, place) => members(value, place, { from: text, to: text, timeZone: text }),
  jitter: number,
  throttle: (value, place) => members(value, place, { bytesPerSecond: number }),
}

/** Reads when maintenance is to be done; throws `invalid_config` naming the place. */
export const maintenanceTiming: Read<MaintenanceTiming> = (value, place) => {
  const timing = members(value, place, TIMING)
  if (timing['every'] === undefined) {
    throw invalid(inside(place, 'every'), 'missing: how often, such as 24h')
  }
  const read = timing as object as MaintenanceTiming
  try {
    checkTiming(read)
    checkThrottle(read.throttle)
  } catch (thrown) {
    throw thrown instanceof PapyraError ? invalid(place, thrown.message) : thrown
  }
  return read
}
