export { redisBackend } from './definition.js'
export type {
  LentClient,
  LentCluster,
  RedisBackendOptions,
  RedisCluster,
  RedisNode,
  RedisSentinel,
  RedisTls,
} from './options.js'
export type { RedisLike } from './wire.js'
