/**
 * Bundle a TypeScript file and everything it imports, `@papyra/*` sources included, into one
 * `.mjs` file that a plain `node` child process can run. Nothing has to be built before.
 *
 * The file lies under the nearest `node_modules/.cache/papyra-bundles` above the entry and is
 * named after its content: concurrent callers share it, and nobody has to delete it.
 *
 * @param entry - path or `file:` URL of the TypeScript (or JavaScript) entry
 * @returns absolute path of the bundle
 */
export declare function bundleForNode(entry: string | URL): Promise<string>
