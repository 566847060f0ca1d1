/** One way the `papyra` command ends. */
export interface ExitCode {
  readonly code: number
  readonly name: string
  readonly meaning: string
}

/** The one table of exit codes, for every command. `--help` and the documents are made from it. */
export const EXIT_CODES: readonly ExitCode[] = [
  {
    code: 0,
    name: 'ok',
    meaning:
      'Healthy, or done as asked and verified. Recorded losses and notices are told, not counted. Also the modes `ignore` and `scan_only`.',
  },
  {
    code: 1,
    name: 'refused',
    meaning: 'The answer is no: the gate would refuse to start with these options.',
  },
  {
    code: 2,
    name: 'anomalies',
    meaning:
      'Anomalies are in the store as the command ends: a scan found them, a recovery left some or lacks a consent, a compaction refused because of one.',
  },
  { code: 64, name: 'usage', meaning: 'The command line is wrong. Nothing was done.' },
  {
    code: 66,
    name: 'no_store',
    meaning:
      'There is no such store. A missing path is never healthy; `--allow-new` and `papyra persistence create` are for new ones.',
  },
  { code: 69, name: 'unavailable', meaning: 'The backend cannot be reached or is not installed.' },
  { code: 70, name: 'bug', meaning: 'A defect of Papyra itself. Please report it.' },
  { code: 74, name: 'io_error', meaning: 'The system reported an input or output error.' },
  {
    code: 75,
    name: 'busy',
    meaning: 'A living owner holds the store, or the plan is stale. Trying again later may help.',
  },
  {
    code: 78,
    name: 'config',
    meaning: 'The configuration is invalid or missing, quarantine without a folder included.',
  },
  {
    code: 130,
    name: 'interrupted',
    meaning: 'Stopped by Ctrl-C, or on request. The store is valid.',
  },
  { code: 143, name: 'terminated', meaning: 'Stopped by SIGTERM. The store is valid.' },
]

/** The codes by name, for use in the sources. */
export const EXIT = {
  ok: 0,
  refused: 1,
  anomalies: 2,
  usage: 64,
  bug: 70,
  interrupted: 130,
  terminated: 143,
} as const
