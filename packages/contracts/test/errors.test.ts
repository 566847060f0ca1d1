import {
  ERROR_CODES,
  PapyraError,
  isPapyraError,
  throwIfAborted,
  type PapyraErrorCode,
} from '@papyra/contracts'
import { describe, expect, it, vi } from 'vitest'

describe('PapyraError', () => {
  it('is an error with a code, the hint of the catalogue and no details', () => {
    const error = new PapyraError('store_locked', 'Held by process 12.')
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('PapyraError')
    expect(error.message).toBe('Held by process 12.')
    expect(error.code).toBe('store_locked')
    expect(error.hint).toBe(ERROR_CODES.store_locked.action)
    expect(error.details).toEqual({})
    expect(error.stack).toContain('errors.test.ts')
  })

  it('keeps the cause as it is, and has none unless given', () => {
    const cause = new Error('EIO')
    expect(new PapyraError('io_error', 'Broken.', { cause }).cause).toBe(cause)
    expect(new PapyraError('io_error', 'Broken.', { cause: null }).cause).toBeNull()
    expect(Object.hasOwn(new PapyraError('io_error', 'Broken.'), 'cause')).toBe(false)
  })

  it('becomes JSON with code, message, hint and details, and nothing of the cause', () => {
    const error = new PapyraError('io_error', 'Broken.', {
      hint: 'Mend it.',
      details: { path: '/var/lib/shop.ndjson', offset: 12, seq: null },
      cause: new Error('with a secret'),
    })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'io_error',
      message: 'Broken.',
      hint: 'Mend it.',
      details: { path: '/var/lib/shop.ndjson', offset: 12, seq: null },
    })
  })
})

describe('isPapyraError', () => {
  it('recognises an error of another copy of this package', async () => {
    vi.resetModules()
    const copy = await import('@papyra/contracts')
    expect(copy.PapyraError).not.toBe(PapyraError)
    const foreign = new copy.PapyraError('closed', 'The store is closed.')
    expect(foreign).not.toBeInstanceOf(PapyraError)
    expect(isPapyraError(foreign)).toBe(true)
    expect(isPapyraError(foreign, 'closed')).toBe(true)
    expect(copy.isPapyraError(new PapyraError('closed', 'The store is closed.'))).toBe(true)
  })

  it('recognises a subclass', () => {
    class Special extends PapyraError {}
    expect(isPapyraError(new Special('closed', 'The store is closed.'), 'closed')).toBe(true)
  })

  it('asks for the code where one is given', () => {
    const error = new PapyraError('closed', 'The store is closed.')
    expect(isPapyraError(error, 'closed')).toBe(true)
    expect(isPapyraError(error, 'read_only')).toBe(false)
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'PapyraError'],
    ['an ordinary error', new Error('x')],
    ['a look-alike', { name: 'PapyraError', code: 'closed', message: 'x', hint: '', details: {} }],
    ['its own JSON', new PapyraError('closed', 'x').toJSON()],
  ])('is false for %s', (_, value) => {
    expect(isPapyraError(value)).toBe(false)
  })

  it('does not show the brand among the members', () => {
    const error = new PapyraError('closed', 'The store is closed.')
    expect(Object.keys(error).sort()).toEqual(['code', 'details', 'hint', 'name'])
    expect(Object.assign({}, error)).not.toSatisfy(isPapyraError)
  })
})

describe('throwIfAborted', () => {
  function codeAndCause(signal: AbortSignal): [PapyraErrorCode, unknown] {
    try {
      throwIfAborted(signal)
    } catch (error) {
      if (isPapyraError(error)) return [error.code, error.cause]
      throw error
    }
    throw new Error('Nothing was thrown.')
  }

  it('does nothing without a signal, or before the abort', () => {
    expect(() => throwIfAborted(undefined)).not.toThrow()
    expect(() => throwIfAborted(new AbortController().signal)).not.toThrow()
  })

  it('throws `aborted` with the reason as its cause', () => {
    const reason = new Error('Ctrl-C')
    expect(codeAndCause(AbortSignal.abort(reason))).toEqual(['aborted', reason])
  })

  it('throws a reason that is a PapyraError as it is', () => {
    const reason = new PapyraError('time_budget_exceeded', 'The gate took too long.')
    expect(() => throwIfAborted(AbortSignal.abort(reason))).toThrow(reason)
    expect(codeAndCause(AbortSignal.abort(reason))[0]).toBe('time_budget_exceeded')
  })
})
