import { ANOMALY_CODES, type AnomalyCode } from './anomalies.js'
import { ERROR_CODES, type PapyraErrorCode } from './error-codes.js'

/** Under which key a store keeps how often a code was counted. */
export type CodeKey = `anomaly:${AnomalyCode}` | `error:${PapyraErrorCode}`

/** How often each code was counted since the store was created; what is absent was not. */
export interface CodeCounts {
  /** Together they are `anomaliesDetected`, of what was counted since codes are. */
  readonly anomalies: { readonly [Code in AnomalyCode]?: number }
  /** Together they are all the numbers of errors, likewise. */
  readonly errors: { readonly [Code in PapyraErrorCode]?: number }
}

/** Reads the counts of all known codes; what is 0 is left out. */
export function codeCounts(countOf: (key: CodeKey) => number): CodeCounts {
  const pick = <Code extends string>(
    codes: object,
    keyOf: (code: Code) => CodeKey,
  ): { readonly [K in Code]?: number } =>
    Object.fromEntries(
      (Object.keys(codes) as Code[])
        .map((code) => [code, countOf(keyOf(code))] as const)
        .filter(([, count]) => count > 0),
    ) as { readonly [K in Code]?: number }
  return {
    anomalies: pick<AnomalyCode>(ANOMALY_CODES, (code) => `anomaly:${code}`),
    errors: pick<PapyraErrorCode>(ERROR_CODES, (code) => `error:${code}`),
  }
}
