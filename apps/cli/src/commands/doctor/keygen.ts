import { existsSync, writeFileSync } from 'node:fs'
import { PapyraError } from '@papyra/contracts'
import { generateSigningKey } from '@papyra/doctor'
import { absolutePath } from '../../config/paths.js'
import type { Context } from '../../context.js'
import { EXIT } from '../../exit-codes.js'

/** `papyra doctor keygen`: a pair of keys for the reports. */
export async function run({ args, io, out }: Context): Promise<number> {
  const path = absolutePath(io.cwd, args.text('out') ?? 'papyra-signing.pem')
  const publicPath = `${path.replace(/\.pem$/, '')}.pub.pem`
  const there = [path, publicPath].find((one) => existsSync(one))
  if (there !== undefined) {
    throw new PapyraError('invalid_argument', `${there} is there already; it was not touched.`, {
      hint: 'Name another file with --out. A key that signed reports is worth keeping.',
    })
  }
  const { privateKey, publicKey, fingerprint } = generateSigningKey()
  writeFileSync(path, privateKey, { mode: 0o600, flag: 'wx' })
  writeFileSync(publicPath, publicKey, { mode: 0o644, flag: 'wx' })
  await out.line(['bold', 'private key'], `  ${path}   # keep it where only the operator reads it`)
  await out.line(['bold', 'public key'], `   ${publicPath}   # for who verifies`)
  await out.line(`fingerprint  ${fingerprint}`)
  const report = { privateKey: path, publicKey: publicPath, fingerprint }
  await out.document('papyra.keygen/1', EXIT.ok, report)
  return EXIT.ok
}
