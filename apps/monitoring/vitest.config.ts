export { default } from '@papyra/build-config/vitest'
