/** How to run checks. */
export interface CheckSettings {
  /** Runs of each property and of the model-based check. Default 30. */
  readonly numRuns?: number
  /** Seed of the random checks. Default: a new one a run; it is always told through `log`. */
  readonly seed?: number
  /** Told the seeds. Default: nobody. */
  readonly log?: (message: string) => void
}
