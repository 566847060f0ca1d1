// What each part of a long run took.

/** A line for each [name, seconds]: minutes, one decimal, then the name. */
export function minuteLines(parts) {
  return parts.map(([name, seconds]) => `${(seconds / 60).toFixed(1).padStart(6)}  ${name}`)
}
