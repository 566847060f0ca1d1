export { default } from '@papyra/build-config/tsup'
