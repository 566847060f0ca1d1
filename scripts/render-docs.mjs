// `npm run docs`: write the documents that are made of the catalogues.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadCatalogues } from './lib/catalogues.mjs'
import { renderDocuments } from './lib/documents.mjs'
import { root } from './lib/workspace.mjs'

for (const [file, text] of Object.entries(renderDocuments(await loadCatalogues()))) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
  console.log(`wrote ${file}`)
}
