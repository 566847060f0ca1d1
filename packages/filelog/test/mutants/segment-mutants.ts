import { mutant } from './log-mutants.js'
import type { Mutant } from './mutant.js'

function segments(name: string, file: string, find: string, replace: string): Mutant {
  return mutant(name, file, find, replace, 'segments')
}

const ROTATION: readonly Mutant[] = [
  segments('seal-without-a-block-mark', 'segments/rotate.ts', 'await queue.endBlock()\n', '\n'),
  segments(
    'seal-unsynced',
    'write/log-writer.ts',
    'if (open || this.#synced < this.acked) await this.#datasync(this.acked)\n',
    '\n',
  ),
  segments(
    'seal-checksum-without-the-block-mark',
    'write/block-tracker.ts',
    'if (ofFile !== null) this.keepWhole(checksum(line, ofFile))\n',
    '\n',
  ),
  segments(
    'rotation-uncommitted',
    'segments/rotate.ts',
    'await this.#commit(queue, { made, sealed }, counts)\n',
    '\n',
  ),
  segments(
    'rotation-commit-not-awaited',
    'segments/rotate.ts',
    'await this.#commit(queue, { made, sealed }, counts)\n',
    'void this.#commit(queue, { made, sealed }, counts)\n',
  ),
  segments(
    'rotation-leaves-its-files-when-it-fails',
    'segments/rotate.ts',
    'await discardSegment(this.#where.vfs, made)\n',
    'await closeSegmentFiles(made)\n',
  ),
  segments(
    'rotation-removes-files-that-may-be-named',
    'segments/rotate.ts',
    'await closeSegmentFiles(made)\n        throw queue.latch',
    'await discardSegment(this.#where.vfs, made)\n        throw queue.latch',
  ),
  segments(
    'rotation-tried-again-at-once',
    'segments/rotate.ts',
    'clock.monotonic() + RETRY_MS',
    'clock.monotonic()',
  ),
  segments('figures-of-two-segments', 'segments/rotate.ts', 'this.figures.reset()\n', '\n'),
  segments(
    'seal-one-number-too-low',
    'segments/rotate.ts',
    'lastSeq: acked,',
    'lastSeq: acked - 1,',
  ),
  segments(
    'new-segment-unsynced',
    'segments/new-segment.ts',
    "await withIo('Syncing', path, () => file.sync())\n",
    '\n',
  ),
  segments(
    'new-segment-stumbles-over-what-is-left',
    'segments/new-segment.ts',
    'await removeLeftover(vfs, path)\n',
    '\n',
  ),
  segments(
    'new-segment-over-records',
    'segments/new-segment.ts',
    "if (there?.type === 'file' && (await holdsMoreThanHead(vfs, path, there.size))) {",
    'if (there === undefined) {',
  ),
]

const MANIFEST: readonly Mutant[] = [
  segments(
    'manifest-change-lost',
    'segments/manifest-file.ts',
    'const run = this.#tail.then(() => this.#commit(change))',
    'const run = this.#commit(change)',
  ),
  segments(
    'manifest-unknown-taken-for-the-old-one',
    'segments/manifest-file.ts',
    'await this.#requireOld(before, error)\n',
    '\n',
  ),
  segments(
    'manifest-edit-not-raised',
    'segments/manifest-file.ts',
    'edit: before.edit + 1',
    'edit: before.edit',
  ),
  segments(
    'manifest-older-than-segments-believed',
    'segments/manifest-fault.ts',
    'if (newer === null) return null',
    'if (newer !== undefined) return null',
  ),
  segments(
    'manifest-contradiction-believed',
    'segments/manifest-fault.ts',
    'if (odd !== null) return',
    'if (odd === undefined) return',
  ),
  segments(
    'manifest-of-somebody-else-unnoticed',
    'segments/compact-check.ts',
    'if (!(await manifestHolds(vfs, dir, keeper))) {\n    throw',
    'if (keeper === null) {\n    throw',
  ),
]

const OWNER: readonly Mutant[] = [
  segments(
    'segment-of-a-killed-owner-unsynced',
    'segments/begin.ts',
    "await withIo('Syncing', file.path, () => file.datasync())\n",
    '\n',
  ),
  segments(
    'open-store-says-closed',
    'segments/begin.ts',
    'clean: false,\n        closed: null,',
    'clean: before.clean,\n        closed: before.closed,',
  ),
  segments('traces-forgotten', 'segments/begin.ts', 'await tidyFolder(vfs, scan, store)\n', '\n'),
  segments(
    'damage-not-on-record',
    'segments/begin.ts',
    'suspect: suspectsOf(scan, before),',
    'suspect: [],',
  ),
  segments(
    'removal-unsynced',
    'segments/housekeeping.ts',
    "if (removed || manifest.obsolete.length > 0) {\n    await withIo('Syncing', dir, () => vfs.syncDir(dir))\n",
    'if (removed || manifest.obsolete.length > 0) {\n',
  ),
  segments(
    'files-removed-for-a-manifest-that-may-be-taken-back',
    'segments/housekeeping.ts',
    "if (gone.size > 0) await withIo('Syncing', dir, () => vfs.syncDir(dir))\n",
    '\n',
  ),
  segments(
    'stopped-writer-says-closed',
    'segments/close.ts',
    'if (latched !== null) return\n',
    '\n',
  ),
  segments(
    'first-manifest-before-the-first-segment',
    'segments/create.ts',
    'const made = await makeSegment(vfs, dir, { ...FIRST, logId, created: now, blockBytes }, null)\n  await closeSegmentFiles(made)\n',
    'const early = { ...FIRST, logId, created: now, blockBytes, offset: 210, sum: 0 }\n  await writeManifestFile(vfs, dir, firstManifest(early))\n  const made = await makeSegment(vfs, dir, { ...FIRST, logId, created: now, blockBytes }, null)\n  await closeSegmentFiles(made)\n',
  ),
  segments(
    'orphan-with-records-removed',
    'segments/extras.ts',
    'if (sound === null && size <= HEAD_ONLY_BYTES)',
    'if (size <= HEAD_ONLY_BYTES)',
  ),
  segments(
    'later-generation-removed-though-something-is-missing',
    'segments/manifest-fault.ts',
    'const instead = id.generation > generation && missing.has(id.firstSeq)',
    'const instead = false',
  ),
  segments(
    'seal-checksum-not-compared',
    'segments/scan-sealed.ts',
    'return headIsRight && sum === entry.checksum',
    'return headIsRight && sum !== null',
  ),
  segments(
    'seal-size-not-compared',
    'segments/scan-sealed.ts',
    "if (stat.size !== entry.bytes) return { state: 'differs', stat }",
    "if (stat.size < entry.bytes) return { state: 'differs', stat }",
  ),
]

const COMPACTION: readonly Mutant[] = [
  segments(
    'dropped-segments-removed-before-the-commit',
    'segments/compact-run.ts',
    'const gone = (one: SealedSegment)',
    'await this.#remove(paths)\n    const gone = (one: SealedSegment)',
  ),
  segments(
    'rewritten-segment-removed-before-the-commit',
    'segments/compact-run.ts',
    'await this.#take(taken, (now) => ({\n      ...now,\n      segments: now.segments.map',
    'await this.#remove([path])\n    await this.#take(taken, (now) => ({\n      ...now,\n      segments: now.segments.map',
  ),
  segments(
    'rewritten-segment-folder-unsynced',
    'segments/compact-run.ts',
    "await withIo('Syncing', dir, () => vfs.syncDir(dir))\n    const taken",
    'const taken',
  ),
  segments(
    'dropped-segments-not-obsolete',
    'segments/compact-run.ts',
    'obsolete: withObsolete(now, paths),',
    'obsolete: now.obsolete,',
  ),
  segments(
    'replaced-segment-not-obsolete',
    'segments/compact-run.ts',
    'obsolete: withoutObsolete({ ...now, obsolete: withObsolete(now, [path]) }, made),',
    'obsolete: withoutObsolete(now, made),',
  ),
  segments(
    'removal-unsynced-before-it-is-forgotten',
    'segments/compact-run.ts',
    "await withIo('Syncing', dir, () => vfs.syncDir(dir))\n  const settled",
    'const settled',
  ),
  segments(
    'source-checksum-not-compared',
    'segments/compact-rewrite.ts',
    "if (checksum !== '' && sum !== checksum) {",
    "if (checksum !== '' && sum === '') {",
  ),
  segments(
    'copied-block-not-proven',
    'rewrite/marked-blocks.ts',
    'if (hex8(checksum(bytes, this.#seed)) !== mark.sum || !isUtf8(bytes)) {',
    'if (hex8(checksum(bytes, this.#seed)) === "" || !isUtf8(bytes)) {',
  ),
  segments(
    'chain-of-marks-not-compared',
    'rewrite/marked-blocks.ts',
    '(expected !== null && found.crc !== expected)',
    "(expected !== null && found.crc === '')",
  ),
  segments(
    'figures-of-a-cut-block-not-compared',
    'rewrite/copy-records.ts',
    'if (mark.kinds === null || isDeepStrictEqual(mark.kinds, meter.kinds())) return',
    'if (mark.kinds === null || !isDeepStrictEqual(mark.kinds, null)) return',
  ),
  segments(
    'block-before-a-kept-one-not-ended',
    'rewrite/rewriter.ts',
    'if (this.#lastSeq > this.#answered) await this.#closeBlock()\n',
    '\n',
  ),
  segments(
    'small-kept-block-not-joined',
    'rewrite/keep.ts',
    'return stays && bytes * 2 < blockBytes ? null : stays',
    'return stays && bytes * 2 < 0 ? null : stays',
  ),
  segments(
    'figures-of-a-scanned-block-not-compared',
    'scan/figures-hold.ts',
    'return metas !== null && isDeepStrictEqual(figuresOf(metas), mark.kinds)',
    'return metas !== null && !isDeepStrictEqual(figuresOf(metas), null)',
  ),
  segments(
    'rewritten-segment-not-read-back',
    'segments/read-back.ts',
    "({ state }) => state === 'sound',",
    '({ state }) => state !== null,',
  ),
  segments(
    'rewritten-segment-unsynced',
    'rewrite/rewriter.ts',
    "await withIo('Syncing', this.file.path, () => this.file.sync())\n",
    '\n',
  ),
  segments(
    'damage-on-record-ignored',
    'segments/compact-check.ts',
    'if (first === undefined) return\n',
    'if (first !== null) return\n',
  ),
  segments(
    'segments-not-looked-at',
    'segments/compact-check.ts',
    'await requireAsSealed(vfs, dir, current, entry)\n',
    'void entry\n',
  ),
  segments(
    'damage-ignored-at-rest',
    'segments/compact.ts',
    'if (anomaliesInSegments(scan) > 0 || scan.store === null || scan.rebuilt) {',
    'if (scan.store === null || scan.rebuilt) {',
  ),
  segments(
    'active-segment-not-sealed',
    'segments/compact.ts',
    'if (judged) await rollOver(core)\n',
    '\n',
  ),
  segments(
    'sealed-at-rest-without-a-word',
    'segments/roll-over.ts',
    'await manifest.commit((now) => ({ ...now, clean: false, closed: null, opened, nextSeq }))',
    'void opened',
  ),
]

const RECOVERY: readonly Mutant[] = [
  segments(
    'recovery-keeps-nothing-aside',
    'segments/recover-run.ts',
    'const keptAside = await keepWhatGoes(job)',
    'const keptAside: string[] = []\n  void keepWhatGoes',
  ),
  segments(
    'recovery-removes-before-the-switch',
    'segments/recover-run.ts',
    'await switchOver(keeper, job, { segments, active, closed, obsolete })',
    'await removeBestEffort(vfs, obsolete)\n  await switchOver(keeper, job, { segments, active, closed, obsolete })',
  ),
  segments(
    'recovered-active-segment-unsynced',
    'segments/recover-files.ts',
    'else await syncInPlace(vfs, path)\n',
    'else void syncInPlace\n',
  ),
  segments(
    'recovered-tail-not-cut',
    'segments/recover-files.ts',
    'await cutTail({ vfs, scan })\n',
    'void cutTail\n',
  ),
  segments(
    'loss-not-on-record',
    'segments/recover-commit.ts',
    'losses: withLosses(now.losses, plan.losses),',
    'losses: now.losses,',
  ),
  segments(
    'what-is-left-of-a-lost-manifest-removed-before-it-is-written',
    'segments/recover-run.ts',
    'if (!plan.manifestBad) await removeTraces(vfs, scan)',
    'await removeTraces(vfs, scan)',
  ),
  segments(
    'seen-by-a-recovery-but-unsynced',
    'segments/recover-traces.ts',
    'if (active !== undefined) await syncInPlace(vfs, active.path)\n',
    'void active\n',
  ),
]

/** Mutants of the store of segments. */
export const SEGMENT_MUTANTS: readonly Mutant[] = [
  ...ROTATION,
  ...MANIFEST,
  ...OWNER,
  ...COMPACTION,
  ...RECOVERY,
]
