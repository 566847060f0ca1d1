import type { AppendFact, Backend, BackendDefinition } from '@papyra/contracts'

/** A small event; `n` makes it recognisable. */
export function event(n: number, payload = `{"n":${n}}`): AppendFact {
  const members = `"system_id":"shop","actor_address":null,"event_type":"t","payload":${payload}`
  return { kind: 'event', timestamp: 1_704_067_200_000 + n, members }
}

/** Opens for writing, making the store if need be, and begins. */
export async function begun(definition: BackendDefinition): Promise<Backend> {
  const backend = await definition.open({ access: 'write', create: 'if-missing' })
  await backend.begin()
  return backend
}

export async function seqsOf(backend: Backend): Promise<number[]> {
  const seqs: number[] = []
  for await (const { seq } of backend.read()) seqs.push(seq)
  return seqs
}

/** What a promise rejects with. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => error,
  )
}

/** Asks again and again until it is so. */
export async function until(so: () => Promise<boolean>): Promise<void> {
  while (!(await so())) await new Promise((resolve) => setImmediate(resolve))
}
