import { PapyraError, type RecordKind } from '@papyra/contracts'
import type { EncodedFact } from './encode.js'

/** One thing a validator holds against a value. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a validator answers: issues, or the value. */
export type SchemaResult =
  | { readonly issues?: undefined; readonly value: unknown }
  | { readonly issues: readonly SchemaIssue[] }

/**
 * A validator of the Standard Schema specification, version 1, as zod, valibot, arktype and others
 * make them. See https://standardschema.dev.
 */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>
  }
}

/** Validators of payloads, for events by type and for dead letters by message type. */
export interface PapyraSchemas {
  readonly event?: { readonly [type: string]: StandardSchema }
  readonly dead_letter?: { readonly [messageType: string]: StandardSchema }
}

/** A stored record whose payload its validator does not accept. It is shown all the same. */
export interface SchemaMismatch {
  readonly seq: number
  readonly kind: RecordKind
  readonly type: string
  readonly issues: readonly string[]
}

function schemaFor(
  schemas: PapyraSchemas | undefined,
  kind: RecordKind,
  type: string,
): StandardSchema | undefined {
  const byType = kind === 'audit' ? undefined : schemas?.[kind]
  return byType !== undefined && Object.hasOwn(byType, type) ? byType[type] : undefined
}

function issueText({ message, path }: SchemaIssue): string {
  const place = (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
  return place.length === 0 ? message : `${place.join('.')}: ${message}`
}

function issuesOf(result: SchemaResult): readonly string[] {
  return result.issues === undefined ? [] : result.issues.map(issueText)
}

/** The outcome of a validation: what is wrong, or nothing. */
type Issues = readonly string[]

function validate(schema: StandardSchema, value: unknown): Issues | Promise<Issues> {
  const failed = (thrown: unknown): Issues => [`The validator failed: ${String(thrown)}`]
  try {
    const result = schema['~standard'].validate(value)
    return result instanceof Promise ? result.then(issuesOf).catch(failed) : issuesOf(result)
  } catch (thrown) {
    return failed(thrown)
  }
}

function refused(fact: EncodedFact, issues: Issues): PapyraError | null {
  if (issues.length === 0) return null
  const what = `The schema of \`${fact.type}\` refuses the payload: ${issues.join('; ')}.`
  return new PapyraError('schema_refused', what, {
    details: { kind: fact.kind, type: fact.type, issues: [...issues] },
  })
}

/**
 * Asks the validator of a fact, if it has one. The validator sees the payload as it will be read
 * back, so that one validator serves both ways. `null` if it is accepted; the refusal otherwise; a
 * promise of either where the validator is asynchronous. Never throws.
 */
export function schemaVerdict(
  schemas: PapyraSchemas | undefined,
  fact: EncodedFact,
): PapyraError | null | Promise<PapyraError | null> {
  const schema = schemaFor(schemas, fact.kind, fact.type)
  if (schema === undefined || fact.payloadJson === null) return null
  const issues = validate(schema, JSON.parse(fact.payloadJson))
  return issues instanceof Promise
    ? issues.then((found) => refused(fact, found))
    : refused(fact, issues)
}

/** What the validator of a payload that was read back holds against it; empty if nothing. */
export async function schemaIssues(
  schemas: PapyraSchemas | undefined,
  record: { readonly kind: RecordKind; readonly type: string; readonly payload: unknown },
): Promise<Issues> {
  const schema = schemaFor(schemas, record.kind, record.type)
  return schema === undefined ? [] : validate(schema, record.payload)
}
