import type { Command } from '../command.js'
import { CONSENT, STORE } from './options.js'
import type { OptionSpec } from './spec.js'

const GROUP: Readonly<Record<string, OptionSpec>> = {
  kind: {
    kind: 'value',
    value: 'KIND',
    choices: ['event', 'audit', 'dead_letter'],
    describe: 'Whose records the group handles (default event)',
  },
  group: { kind: 'value', value: 'NAME', describe: 'The group' },
}

const GROUP_PLAN: Readonly<Record<string, OptionSpec>> = {
  ...GROUP,
  plan: {
    kind: 'value',
    value: 'ID',
    describe: 'Do just what the plan of an earlier dry run says',
  },
  ...CONSENT,
}

function groupCommand(
  name: string,
  describe: string,
  line: string,
  options: Readonly<Record<string, OptionSpec>>,
): Command {
  return {
    words: ['groups', name],
    describe,
    examples: [
      { line: `${line} --dry-run`, says: 'what would be done: a plan' },
      { line: `papyra groups ${name} --plan ID`, says: 'just what that plan says' },
    ],
    options: { ...STORE, ...options, ...GROUP_PLAN },
    notes: [
      'A plan is stale (75) once the consumers of the group went on; stop them, or try again.',
    ],
    load: () => import('../commands/groups/act.js'),
  }
}

/** Commands on the consumer groups of a store. */
export const GROUP_COMMANDS: readonly Command[] = [
  {
    words: ['inspect', 'groups'],
    describe: 'Consumer groups: what waits, what is pending and with whom, who is gone',
    examples: [
      { line: 'papyra inspect groups', says: 'all groups of the store' },
      { line: 'papyra inspect groups --group mail --pending', says: 'what is pending, by number' },
    ],
    options: {
      ...STORE,
      ...GROUP,
      pending: { kind: 'flag', describe: 'List the pending records of the group' },
      limit: {
        kind: 'value',
        value: 'N',
        reads: 'count',
        describe: 'List at most N of them (default 100)',
      },
    },
    notes: [
      'abandoned: records wait or are pending, and no consumer has asked for a minute. ghost: a consumer',
      'that holds nothing and has not asked for a minute. vanished: somebody destroyed the group on the',
      'server; a consumer makes it again where it was.',
    ],
    load: () => import('../commands/inspect/groups.js'),
  },
  groupCommand(
    'claim',
    'Give what has been pending for too long to another consumer',
    'papyra groups claim --group mail --to mail-2 --min-idle 10m',
    {
      to: { kind: 'value', value: 'CONSUMER', describe: 'Who takes the records' },
      from: { kind: 'value', value: 'CONSUMER', describe: 'Only what this consumer holds' },
      'min-idle': {
        kind: 'value',
        value: 'TIME',
        reads: 'duration',
        describe: 'Only what nobody has touched for so long (default 1m)',
      },
    },
  ),
  groupCommand(
    'remove',
    'Remove a consumer, what it holds goes to another first; or a whole group',
    'papyra groups remove --group mail --consumer mail-1.9f3c02ab --to mail-2',
    {
      consumer: { kind: 'value', value: 'CONSUMER', describe: 'Only this consumer' },
      to: { kind: 'value', value: 'CONSUMER', describe: 'Who takes what it holds' },
    },
  ),
  groupCommand(
    'reset',
    'Let a group go on behind another record: back, or on',
    'papyra groups reset --group mail --after 1200',
    {
      after: { kind: 'value', value: 'SEQ', describe: 'Behind this number; 0 for all of them' },
    },
  ),
]
