import { beforeAll, describe, expect, it } from 'vitest'
import { readSnippet, run, typeErrors, type Snippet } from './support/readme.js'

describe('the snippet of the README', () => {
  let snippet: Snippet
  beforeAll(async () => {
    snippet = await readSnippet()
  })

  it('compiles', () => {
    expect(typeErrors(snippet)).toEqual([])
    const broken = { ...snippet, code: `${snippet.code}\nconst wrong: string = 5\n` }
    expect(typeErrors(broken).join()).toContain('not assignable')
  })

  it('prints what the README says', async () => {
    expect(await run(snippet)).toBe(snippet.output)
  })
})
