import { flag, invalid, members, text, wholeNumber, type Read } from './config-read.js'

/** A day that there is: `2027-01-31`. */
const day: Read<string> = (value, place) => {
  const date = typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) ? value : null
  const time = date === null ? Number.NaN : Date.parse(date)
  if (date !== null && !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)) {
    return date
  }
  throw invalid(place, 'a date is needed, such as "2027-01-31"')
}

/** What the store is meant for. */
export const intendedUse: Read<unknown> = (value, place) =>
  members(value, place, {
    strictOrdering: flag,
    survivesRestart: flag,
    distributed: flag,
    writesPerSecond: wholeNumber,
    startupCheck: text,
    metricsReader: text,
  })

/** Items of the checklist that are waived; each member is needed. */
export const waivers: Read<unknown> = (value, place) => {
  if (!Array.isArray(value)) throw invalid(place, 'an array of waivers is needed')
  const shape = { id: text, reason: text, owner: text, expires: day }
  return value.map((waiver: unknown, i) => {
    const at = `${place}[${i}]`
    const read = members(waiver, at, shape)
    const missing = Object.keys(shape).find((key) => !Object.hasOwn(read, key))
    if (missing !== undefined) throw invalid(at, `\`${missing}\` is missing`)
    return read
  })
}
