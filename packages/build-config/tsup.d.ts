import type { Options } from 'tsup'

export type { Options }

/** A published library: JavaScript and declarations. */
export declare function library(overrides?: Options): Options

/** A program: JavaScript only. */
export declare function app(overrides?: Options): Options

declare const config: Options
export default config
