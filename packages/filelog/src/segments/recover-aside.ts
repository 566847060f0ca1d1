import { removedPath } from '../format/names.js'
import { withIo } from '../rewrite/io.js'
import { quarantineFiles } from '../rewrite/quarantine.js'
import { writeRemoved } from '../rewrite/removed-file.js'
import { keepAside } from '../rewrite/repair.js'
import { manifestPath } from './names.js'
import type { RecoveryJob } from './recover-job.js'

/**
 * Keeps everything aside that is about to go: what is taken out of segments, a damaged mark, and a
 * manifest that does not hold. Gives the files where it is now; all of it is durable.
 */
export async function keepWhatGoes(job: RecoveryJob): Promise<string[]> {
  const { vfs, plan, quarantineDir } = job
  const kept: string[] = []
  for (const step of plan.steps) {
    const repair = step.do === 'renew' || step.do === 'rewrite' ? step.repair : null
    if (repair === null) continue
    kept.push(...(await keepAside({ vfs, quarantineDir, ...repair }, plan.generation)))
  }
  if (plan.manifestBad) kept.push(...(await keepManifest(job)))
  return kept
}

async function keepManifest({ vfs, scan, plan, quarantineDir }: RecoveryJob): Promise<string[]> {
  const path = manifestPath(scan.dir)
  const there = await vfs.stat(path)
  if (there === null) return []
  if (there.type !== 'file') return [await moveAside({ vfs, scan, plan }, path)]
  if (quarantineDir !== null) return quarantineFiles(vfs, quarantineDir, [path], plan.generation)
  const file = await withIo('Opening', path, () => vfs.open(path, 'read'))
  try {
    const whole = { file, offset: 0, end: (await file.stat()).size, code: 'manifest_damaged' }
    return [await writeRemoved(vfs, path, plan.generation, [whole])]
  } finally {
    await file.close()
  }
}

/**
 * Takes files out of the store that look like segments and are none of it: they get another name in
 * the folder, or a verified copy in quarantine, and then go. The caller syncs the folder.
 */
export async function setExtrasAside(job: RecoveryJob): Promise<string[]> {
  const { vfs, plan, quarantineDir } = job
  const kept: string[] = []
  for (const path of plan.extras) {
    const there = await vfs.stat(path)
    if (there === null) continue
    if (quarantineDir === null || there.type !== 'file') {
      kept.push(await moveAside(job, path))
      continue
    }
    kept.push(...(await quarantineFiles(vfs, quarantineDir, [path], plan.generation)))
    await withIo('Removing', path, () => vfs.unlink(path))
  }
  return kept
}

async function moveAside(
  { vfs, plan }: Pick<RecoveryJob, 'vfs' | 'scan' | 'plan'>,
  path: string,
): Promise<string> {
  const to = removedPath(path, plan.generation, vfs.randomHex(6))
  await withIo('Renaming', path, () => vfs.rename(path, to))
  return to
}
