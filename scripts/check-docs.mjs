// The documents are complete and current: generated pages, README sections, links.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { loadCatalogues } from './lib/catalogues.mjs'
import { renderDocuments } from './lib/documents.mjs'
import { filesBelow, publicPackages, root } from './lib/workspace.mjs'

/** Second-level headings that the README of every published package has. */
const SECTIONS = ['Install', 'Use', 'What it promises', 'What it does not do']

const problems = [
  ...(await generatedProblems()),
  ...publicPackages().flatMap(readmeProblems),
  ...filesBelow(root, (file) => file.endsWith('.md')).flatMap(linkProblems),
]
for (const problem of problems) console.error(problem)
console.log(`docs: ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1

async function generatedProblems() {
  const catalogues = await loadCatalogues()
  const found = []
  for (const [file, text] of Object.entries(renderDocuments(catalogues))) {
    if (read(file) !== text) found.push(`${file} is not current: run \`npm run docs\``)
  }
  const page = read('docs/errors.md') ?? ''
  for (const catalogue of [catalogues.errors, catalogues.anomalies, catalogues.notices]) {
    for (const code of Object.keys(catalogue)) {
      if (!page.includes(`\n### ${code}\n`)) found.push(`docs/errors.md has no heading ${code}`)
    }
  }
  const exits = new Set(catalogues.exits.map((row) => row.code))
  for (const [code, { exit }] of Object.entries(catalogues.errors)) {
    if (!exits.has(exit)) found.push(`${code} ends with exit code ${exit}, which EXIT_CODES lacks`)
  }
  return found
}

function readmeProblems({ folder, name }) {
  const file = `${folder}/README.md`
  const text = read(file)
  if (text === undefined) return [`${file} is missing`]
  const found = []
  if (!text.startsWith(`# ${name}\n`)) found.push(`${file} does not begin with "# ${name}"`)
  for (const section of SECTIONS) {
    if (!text.includes(`\n## ${section}\n`)) found.push(`${file} has no section "## ${section}"`)
  }
  return found
}

/** Relative links lead to files that exist, and to headings that exist in Markdown files. */
function linkProblems(path) {
  const file = relative(root, path)
  const text = readFileSync(path, 'utf8')
  const prose = withoutCode(text)
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link)) return []
    const [target, anchor] = link.split('#')
    const destination = target === '' ? path : join(dirname(path), target)
    if (!existsSync(destination)) return [`${file}: ${link} leads nowhere`]
    if (anchor === undefined || !destination.endsWith('.md')) return []
    return anchors(destination).has(anchor) ? [] : [`${file}: ${link}: no such heading`]
  })
}

function withoutCode(text) {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, 'code')
}

/** The anchors that GitHub makes of headings. */
function anchors(path) {
  const seen = new Map()
  const text = readFileSync(path, 'utf8').replace(/^(```|~~~)[\s\S]*?^\1/gm, '')
  const headings = [...text.matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading]) => heading)
  return new Set(
    headings.map((heading) => {
      const plain = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '')
      const anchor = plain.trim().replaceAll(' ', '-')
      const count = seen.get(anchor) ?? 0
      seen.set(anchor, count + 1)
      return count === 0 ? anchor : `${anchor}-${count}`
    }),
  )
}

function read(file) {
  const path = join(root, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
