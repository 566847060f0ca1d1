/** Which of `offers` (media types without parameters) the header prefers; the first where it does not care. */
export function preferred<Offer extends string>(
  header: string | null,
  offers: readonly [Offer, ...Offer[]],
): Offer {
  const ranges = (header ?? '').split(',').flatMap(parseRange)
  let best: { offer: Offer; quality: number } = { offer: offers[0], quality: 0 }
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges)
    if (quality > best.quality) best = { offer, quality }
  }
  return best.offer
}

interface Range {
  readonly type: string
  readonly quality: number
}

function parseRange(text: string): Range[] {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  if (type === '') return []
  const q = parameters.find((parameter) => parameter.startsWith('q='))
  const quality = q === undefined ? 1 : Number(q.slice(2))
  return Number.isNaN(quality) ? [] : [{ type, quality }]
}

/** The most exact range counts. */
function qualityOf(offer: string, ranges: readonly Range[]): number {
  const family = `${offer.split('/')[0]}/*`
  for (const type of [offer, family, '*/*']) {
    const matching = ranges.filter((range) => range.type === type)
    if (matching.length > 0) return Math.max(...matching.map(({ quality }) => quality))
  }
  return 0
}
