import type { Mutant } from './mutant.js'

export function mutant(
  name: string,
  file: string,
  find: string,
  replace: string,
  protocol: Mutant['protocol'] = 'log',
): Mutant {
  return { name, file, find, replace, protocol }
}

const SMALL_FILES: readonly Mutant[] = [
  mutant('atomic-write-unsynced', 'write/atomic-write.ts', 'await file.sync()\n', '\n'),
  mutant(
    'atomic-write-folder-unsynced',
    'write/atomic-write.ts',
    'await vfs.syncDir(dirname(path))\n',
    '\n',
  ),
  mutant(
    'atomic-write-renames-before-the-sync',
    'write/atomic-write.ts',
    'await file.sync()\n',
    'await vfs.rename(temp, path)\n      await file.sync()\n      await vfs.rename(path, temp)\n',
  ),
  mutant(
    'atomic-write-leaves-its-temporary-file',
    'write/atomic-write.ts',
    'if (made) await vfs.unlink(temp)',
    'if (!made) await vfs.unlink(temp)',
  ),
  mutant(
    'mark-overwrites-the-synced-slot',
    'write/mark-file.ts',
    'turn: turn + (this.#dirty ? 2 : 1)',
    'turn: turn + 1',
  ),
  mutant(
    'mark-closed-unsynced',
    'write/mark-file.ts',
    'this.#put({ ...this.#last, turn: this.#last.turn + 1 })\n        await this.#file.datasync()',
    'this.#put({ ...this.#last, turn: this.#last.turn + 1 })',
  ),
  mutant(
    'mark-slot-half-written-unnoticed',
    'write/mark-file.ts',
    'if (n !== SLOT_BYTES) {',
    'if (n < 0) {',
  ),
  mutant(
    'mark-of-a-killed-owner-unsynced',
    'write/mark-file.ts',
    '// Whoever wrote it may have been killed before a sync.\n        await file.datasync()',
    '',
  ),
]

const APPENDS: readonly Mutant[] = [
  mutant(
    'append-unsynced',
    'write/log-writer.ts',
    'if (durable) await this.#datasync(lastSeq)',
    '',
  ),
  mutant(
    'append-marked-before-the-sync',
    'write/log-writer.ts',
    'if (durable) await this.#datasync(lastSeq)',
    'if (durable) {\n      mark.write(lastSeq, lastSeq, start.offset + length)\n      await mark.sync()\n      await this.#datasync(lastSeq)\n    }',
  ),
  mutant(
    'append-unmarked',
    'write/log-writer.ts',
    'mark.write(lastSeq, durable ? lastSeq : this.#synced, start.offset + length)',
    '',
  ),
  mutant(
    'short-write-unnoticed',
    'write/log-writer.ts',
    'if (n !== length) throw',
    'if (n < 0) throw',
  ),
  mutant(
    'failed-write-not-cut-back',
    'write/log-writer.ts',
    'if (file.statSync().size !== start.offset) await file.truncate(start.offset)\n      const { size } = file.statSync()\n      if (size !== start.offset)',
    'const { size } = file.statSync()\n      this.#offset = size\n      if (size < start.offset)',
  ),
  mutant(
    'cut-back-unsynced',
    'write/log-writer.ts',
    "if (this.#options.ack === 'durable') await this.#datasync(lastSeq)",
    '',
  ),
  mutant(
    'block-figures-not-restored',
    'write/log-writer.ts',
    'tracker.restore(start.tracker)\n',
    '\n',
  ),
  mutant(
    'failed-sync-forgotten',
    'write/log-writer.ts',
    "throw this.latch(error, 'A sync', [this.#synced + 1, lastSeq])",
    'throw this.#refused(error)',
  ),
  mutant(
    'failed-sync-tried-again',
    'write/log-writer.ts',
    "throw this.latch(error, 'A sync', [this.#synced + 1, lastSeq])",
    "await this.#target.file.datasync().catch(() => {\n        throw this.latch(error, 'A sync', [this.#synced + 1, lastSeq])\n      })",
  ),
  mutant(
    'flush-without-a-sync',
    'write/log-writer.ts',
    'if (this.#synced < this.acked) await this.#datasync(this.acked)\n',
    '\n',
  ),
  mutant('flush-without-the-mark', 'write/log-writer.ts', 'await mark.sync()\n', '\n'),
  mutant(
    'shrunk-file-unnoticed',
    'write/log-writer.ts',
    'if (found.size === this.#offset) return',
    'if (found.size <= this.#offset) return',
  ),
  mutant(
    'replaced-path-unnoticed',
    'write/log-writer.ts',
    'if (!same) throw',
    'if (same === null) throw',
  ),
  mutant(
    'failed-batch-settled-as-written',
    'write/append-queue.ts',
    'for (const { reject } of batch) reject(error)',
    'for (const { facts, resolve } of batch)\n        resolve({ firstSeq: this.#writer.nextSeq, lastSeq: this.#writer.nextSeq + facts.length - 1 })',
  ),
]

const REWRITES: readonly Mutant[] = [
  mutant(
    'rewrite-unannounced',
    'rewrite/commit.ts',
    'await writeSidecarFile(vfs, log, announced)\n',
    '\n',
  ),
  mutant(
    'rewrite-folder-unsynced',
    'rewrite/commit.ts',
    "await withIo('Syncing', log, () => vfs.syncDir(dirname(log)))\n",
    '\n',
  ),
  mutant(
    'rewrite-sidecar-left-announced',
    'rewrite/commit.ts',
    'await writeSidecarFile(vfs, log, after)\n',
    '\n',
  ),
  mutant(
    'rewrite-mark-not-renewed',
    'rewrite/commit.ts',
    'await writeMarkFile(vfs, log, mark)\n',
    '\n',
  ),
  mutant(
    'rewrite-unsynced',
    'rewrite/rewriter.ts',
    "await withIo('Syncing', this.file.path, () => this.file.sync())\n",
    '\n',
  ),
  mutant(
    'rewrite-order-unchecked',
    'rewrite/copy-records.ts',
    'if (lastSeq > through && !this.#isNext(lastSeq + 1)) {',
    'if (lastSeq < 0) {',
  ),
  mutant(
    'rewrite-beside-appends-not-paused',
    'rewrite/compact-online.ts',
    'await queue.pause()\n',
    '\n',
  ),
  mutant(
    'removed-bytes-unsynced',
    'rewrite/removed-file.ts',
    "await withIo('Syncing', path, () => file.datasync())\n",
    '\n',
  ),
  mutant(
    'repair-cut-unsynced',
    'rewrite/repair.ts',
    "await withIo('Syncing', scan.path, () => file.sync())\n",
    '\n',
  ),
  mutant(
    'repair-keeps-nothing-aside',
    'rewrite/repair.ts',
    'return stretches.length === 0 ? [] :',
    'return stretches.length >= 0 ? [] :',
  ),
  mutant(
    'begin-does-not-sync-what-a-killed-owner-wrote',
    'rewrite/store-begin.ts',
    "await withIo('Syncing', log, () => file.datasync())\n",
    '\n',
  ),
  mutant(
    'begin-does-not-say-that-it-is-open',
    'rewrite/store-begin.ts',
    'clean: false,\n    closed: null,',
    'clean: before.clean,\n    closed: before.closed,',
  ),
  mutant(
    'created-log-unsynced',
    'rewrite/create-log.ts',
    "await withIo('Syncing', path, () => file.sync())\n",
    '\n',
  ),
  mutant(
    'close-says-clean-after-a-failed-sync',
    'rewrite/store-close.ts',
    'if (latched !== null || core.logFile === null) return',
    'if (core.logFile === null) return',
  ),
]

/** Mutants of what a log, and so every segment, relies on, and of the store that is one file. */
export const LOG_MUTANTS: readonly Mutant[] = [...SMALL_FILES, ...APPENDS, ...REWRITES]
