import { PapyraError } from '@papyra/contracts'

/** A part of each day, by the clock on the wall of a time zone. May span midnight. */
export interface DailyWindow {
  /** First minute, as `02:00`. */
  readonly from: string
  /** The minute at which it is over, as `05:00`; `24:00` is the end of the day. */
  readonly to: string
  /** An IANA name, such as `Europe/Berlin`. Default `UTC`. */
  readonly timeZone?: string
}

/** A daily window, ready to be asked. All times are wall times in ms since 1970. */
export interface OpenHours {
  isOpen(at: number): boolean
  /** The first moment from `at` on that is inside. */
  opens(at: number): number
  /** For a moment inside: when it is over. */
  closes(at: number): number
}

const MINUTE = 60_000
const HOUR = 3_600_000
const DAY = 86_400_000
/** How far apart two changes of a zone's offset are at least, as far as they are told apart here. */
const STEP = 6 * HOUR
/** Where a window falls into an hour that a change of the clocks leaves out, it opens a day later. */
const MOST_DAYS = 4

/** Throws `invalid_argument` for times or zones that are none, and for a window without any time. */
export function openHours({ from, to, timeZone = 'UTC' }: DailyWindow): OpenHours {
  const [start, end] = [timeOfDay('from', from), timeOfDay('to', to) % DAY]
  if (start === end) throw invalid('`window.from` and `window.to` must not be the same time.')
  const offset = offsetOf(timeZone)
  const inside = { start, end }
  const outside = { start: end, end: start }
  return {
    isOpen: (at) => holds(inside, at + offset(at)),
    opens: (at) => first(inside, at, offset),
    closes: (at) => first(outside, at, offset),
  }
}

interface Part {
  /** ms since midnight. */
  readonly start: number
  readonly end: number
}

function holds({ start, end }: Part, local: number): boolean {
  const time = timeIn(local)
  return start < end ? time >= start && time < end : time >= start || time < end
}

/** The first moment from `at` on that is in the part, whatever the clocks do in between. */
function first(part: Part, at: number, offset: (at: number) => number): number {
  let from = at
  while (from < at + MOST_DAYS * DAY) {
    const current = offset(from)
    const until = nextChange(from, offset)
    const local = from + current
    const found = holds(part, local) ? from : from + timeIn(part.start - local)
    if (found < until) return found
    from = until
  }
  // A zone whose clocks never show these times: there is none on this planet.
  throw new PapyraError('internal', 'A daily window does not open.')
}

/** The end of the stretch from `from` on in which the offset stays as it is; at most a step away. */
function nextChange(from: number, offset: (at: number) => number): number {
  const current = offset(from)
  let [same, other] = [from, from + STEP]
  if (offset(other) === current) return other
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2)
    if (offset(middle) === current) same = middle
    else other = middle
  }
  return other
}

function timeIn(local: number): number {
  return ((local % DAY) + DAY) % DAY
}

/** How far the clocks of a zone are ahead of UTC at a moment, in ms. */
function offsetOf(timeZone: string): (at: number) => number {
  const format = formatFor(timeZone)
  return (at) => {
    const parts: { [type: string]: number } = {}
    for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
    const local = Date.UTC(year, month - 1, day, hour, minute, second)
    return local - Math.floor(at / 1000) * 1000
  }
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    throw invalid(
      `\`window.timeZone\`: ${JSON.stringify(timeZone)} is not the name of a time zone.`,
    )
  }
}

/** ms since midnight. */
function timeOfDay(name: string, text: unknown): number {
  const match = typeof text === 'string' ? /^([01]\d|2[0-3]):([0-5]\d)$|^24:00$/.exec(text) : null
  if (match === null || (text === '24:00' && name !== 'to')) {
    throw invalid(`\`window.${name}\` must be a time of day such as 02:00.`)
  }
  const [, hours, minutes] = match
  return hours === undefined ? DAY : Number(hours) * HOUR + Number(minutes) * MINUTE
}

function invalid(message: string): PapyraError {
  return new PapyraError('invalid_argument', message)
}
