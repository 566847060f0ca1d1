// Every changeset file is well-formed and names our packages; where git can tell what changed since
// main, every changed package has one. A clone without a main branch to compare with (shallow,
// detached, no commit yet) gets the first check only, and says so.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture, pnpmCommand } from './lib/run.mjs'
import { publicPackages, root } from './lib/workspace.mjs'

const problems = malformed()
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)

const base = await baseRef()
if (base === undefined)
  console.log('changesets: no main branch to compare with; files checked only')
else await status(base)

function malformed() {
  const dir = join(root, '.changeset')
  const names = new Set(publicPackages().map((p) => p.name))
  const files = readdirSync(dir).filter((file) => file.endsWith('.md') && file !== 'README.md')
  return files.flatMap((file) => {
    const match = /^---\n(.*?)\n?---\n\s*\S/s.exec(readFileSync(join(dir, file), 'utf8'))
    if (!match) return [`.changeset/${file}: no front matter, or no text after it`]
    return match[1]
      .split('\n')
      .filter((line) => line.trim() !== '')
      .flatMap((line) => entryProblem(file, line, names))
  })
}

function entryProblem(file, line, names) {
  const entry = /^['"]?([^'":]+)['"]?: (major|minor|patch)$/.exec(line)
  if (!entry) return [`.changeset/${file}: not a line such as '@papyra/core': minor: ${line}`]
  return names.has(entry[1]) ? [] : [`.changeset/${file}: there is no public ${entry[1]}`]
}

/** A main branch that shares history with HEAD. */
async function baseRef() {
  for (const ref of ['origin/main', 'main']) {
    const { code } = await capture('git', ['merge-base', ref, 'HEAD']).catch(() => ({ code: 1 }))
    if (code === 0) return ref
  }
  return undefined
}

async function status(ref) {
  const command = pnpmCommand(['exec', 'changeset', 'status', `--since=${ref}`])
  const { code, stdout, stderr } = await capture(...command)
  console.log(`changesets: compared with ${ref}`)
  if (code === 0) return
  process.stdout.write(stdout + stderr)
  process.exitCode = 1
}
