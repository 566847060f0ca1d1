export { redisBackend } from './definition.js'
export type { LentClient, RedisBackendOptions, RedisTls } from './options.js'
export type { RedisLike } from './connection.js'
