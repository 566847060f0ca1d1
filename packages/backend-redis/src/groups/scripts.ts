import { script, type Script } from '../script.js'

/** What all scripts of groups begin with: the store must be the one that the caller knows. */
const OURS = `
local m = redis.pcall('HMGET', KEYS[1], 'log_id')
if m.err then return m end
if m[1] ~= ARGV[1] then return {'replaced'} end
local stream, group, prefix = KEYS[2], ARGV[2], ARGV[3]
local function known()
  if redis.call('EXISTS', stream) == 0 then return nil end
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local found = {}
    for at = 1, #info, 2 do found[info[at]] = info[at + 1] end
    if found['name'] == group then return found end
  end
  return nil
end
local function number(id) return string.match(id, '^(%d+)') end
-- Up to here everything was handled: what comes before the first that is pending, or was not delivered.
local function remember(info)
  local pending = redis.call('XPENDING', stream, group)
  local done
  if pending[1] == 0 then
    info = info or known()
    done = info and number(info['last-delivered-id'])
  else
    done = string.format('%.0f', tonumber(number(pending[2])) - 1)
  end
  if done then redis.call('HSET', KEYS[1], prefix .. ':done', done) end
end
local function row(id) return redis.call('XPENDING', stream, group, id, id, 1)[1] end
`

/**
 * Makes a group unless it is there.
 *
 * KEYS: meta, stream. ARGV: log id, group, prefix of its fields, where to start (a number, or `newest`),
 * records of the kind that were ever added. Answers `made`, or `there` and where it was said to start;
 * or `replaced`, or `gone` if the stream is missing though records were added to it.
 */
export const ensureScript: Script = script(`${OURS}
if known() then return {'there', redis.call('HGET', KEYS[1], prefix .. ':start') or ''} end
local added = tonumber(redis.call('HGET', KEYS[1], 'added:' .. ARGV[5]) or '0')
if added > 0 and redis.call('EXISTS', stream) == 0 then return {'gone'} end
local start = ARGV[4]
if start == 'newest' then start = redis.call('HGET', KEYS[1], 'seq') end
redis.call('XGROUP', 'CREATE', stream, group, start .. '-0', 'MKSTREAM')
redis.call('HSET', KEYS[1], prefix .. ':start', ARGV[4], prefix .. ':done', start)
return {'made', start}
`)

/**
 * Acknowledges records for whoever holds them.
 *
 * KEYS: meta, stream. ARGV: log id, group, prefix, then for each record its number, consumer and
 * deliveries. Answers for each `ok`, `gone` if it is not pending, or `other`.
 */
export const ackScript: Script = script(`${OURS}
local answer = {}
for at = 4, #ARGV, 3 do
  local id = ARGV[at] .. '-0'
  local now = row(id)
  if not now then answer[#answer + 1] = 'gone'
  elseif now[2] ~= ARGV[at + 1] or now[4] ~= tonumber(ARGV[at + 2]) then answer[#answer + 1] = 'other'
  else
    redis.call('XACK', stream, group, id)
    answer[#answer + 1] = 'ok'
  end
end
remember()
return answer
`)

/**
 * Claims what has been pending for long, from a cursor on, at most once through.
 *
 * KEYS: meta, stream, poison. ARGV: log id, group, prefix, consumer, least idle time in ms, cursor, how
 * many, most deliveries (0: any number), wall time in ms, kind. What was delivered so often already goes
 * to the poison stream, and is acknowledged in the same moment. Answers the next cursor, the entries
 * with their deliveries, the numbers of those that are gone from the stream, and of those that were
 * poison.
 */
export const claimScript: Script = script(`${OURS}
local found = redis.call('XAUTOCLAIM', stream, group, ARGV[4], ARGV[5], ARGV[6], 'COUNT', ARGV[7])
local most = tonumber(ARGV[8])
local entries, poison = {}, {}
for _, entry in ipairs(found[2]) do
  local now = row(entry[1])
  -- Claiming it counted as one delivery more.
  if most > 0 and now[4] > most then
    local copy = {'kind', ARGV[10], 'group', group, 'id', entry[1], 'why', 'deliveries',
      'deliveries', now[4] - 1, 'at', ARGV[9]}
    for i = 1, math.min(#entry[2], 7000), 2 do
      copy[#copy + 1] = 'f:' .. entry[2][i]
      copy[#copy + 1] = entry[2][i + 1]
    end
    redis.call('XADD', KEYS[3], '*', unpack(copy))
    redis.call('XACK', stream, group, entry[1])
    redis.call('HINCRBY', KEYS[1], prefix .. ':poison', 1)
    poison[#poison + 1] = number(entry[1])
  else
    entries[#entries + 1] = {entry, now[4]}
  end
end
remember()
return {found[1], entries, found[3] or {}, poison}
`)

/**
 * Sets one pending record aside: it is kept among the poison with the reason, and acknowledged.
 *
 * KEYS: meta, stream, poison. ARGV: log id, group, prefix, id, why, wall time in ms, kind.
 */
export const asideScript: Script = script(`${OURS}
local now = row(ARGV[4])
if not now then return {'gone'} end
local entry = redis.call('XRANGE', stream, ARGV[4], ARGV[4])[1]
if entry then
  local copy = {'kind', ARGV[7], 'group', group, 'id', ARGV[4], 'why', ARGV[5],
    'deliveries', now[4], 'at', ARGV[6]}
  for i = 1, math.min(#entry[2], 7000), 2 do
    copy[#copy + 1] = 'f:' .. entry[2][i]
    copy[#copy + 1] = entry[2][i + 1]
  end
  redis.call('XADD', KEYS[3], '*', unpack(copy))
  redis.call('HINCRBY', KEYS[1], prefix .. ':poison', 1)
end
redis.call('XACK', stream, group, ARGV[4])
remember()
return {entry and 'ok' or 'deleted'}
`)

/**
 * One step of an act: it is checked against what the plan saw, and done, in one moment.
 *
 * KEYS: meta, stream. ARGV: log id, group, prefix, act, then:
 * - `give`: heir, then for each record its number, consumer and deliveries. Records that are gone from
 *   the stream are acknowledged. Answers `ok`, the numbers given, the numbers that are gone; or `stale`.
 * - `leave`: consumer. Removes it if nothing is pending for it. Answers `ok`, `pending` or `none`.
 * - `remove`: last delivered id, pending records. Removes the group. Answers `ok` or `stale`.
 * - `reset`: the same two, and behind which number to go on. Answers `ok` or `stale`.
 */
export const actScript: Script = script(`${OURS}
local info = known()
local vanished = not info and redis.call('HEXISTS', KEYS[1], prefix .. ':done') == 1
if not info and not (vanished and ARGV[4] == 'remove') then return {'none'} end
local acts = {}
acts.give = function()
  local rows = {}
  for at = 6, #ARGV, 3 do
    local now = row(ARGV[at] .. '-0')
    if not now or now[2] ~= ARGV[at + 1] or now[4] ~= tonumber(ARGV[at + 2]) then return {'stale'} end
    rows[#rows + 1] = ARGV[at]
  end
  local given, deleted = {}, {}
  for _, seq in ipairs(rows) do
    local id = seq .. '-0'
    local claimed = redis.call('XCLAIM', stream, group, ARGV[5], 0, id, 'JUSTID')
    if #claimed == 0 then
      redis.call('XACK', stream, group, id)
      deleted[#deleted + 1] = seq
    else
      given[#given + 1] = seq
    end
  end
  remember(info)
  return {'ok', given, deleted}
end
acts.leave = function()
  if #redis.call('XPENDING', stream, group, '-', '+', 1, ARGV[5]) > 0 then return {'pending'} end
  for _, found in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    if found[2] == ARGV[5] then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, ARGV[5])
      return {'ok'}
    end
  end
  return {'none'}
end
local function moved()
  return info['last-delivered-id'] ~= ARGV[5] or info['pending'] ~= tonumber(ARGV[6])
end
acts.remove = function()
  if info then
    if moved() then return {'stale'} end
    redis.call('XGROUP', 'DESTROY', stream, group)
  end
  for _, field in ipairs({':start', ':done', ':claim', ':samples', ':poison'}) do
    redis.call('HDEL', KEYS[1], prefix .. field)
  end
  return {'ok'}
end
acts.reset = function()
  if moved() then return {'stale'} end
  redis.call('XGROUP', 'SETID', stream, group, ARGV[7] .. '-0')
  remember()
  return {'ok'}
end
return acts[ARGV[4]]()
`)

/**
 * What is known of the groups of one stream, at one moment; changes nothing.
 *
 * KEYS: meta, stream. Answers the rows of XINFO GROUPS, and for each group the rows of XINFO CONSUMERS
 * and the answer of XPENDING without a range, the first pending records (at most ARGV[1]), and the first
 * entry that was not delivered yet.
 */
export const groupsScript: Script = script(`
if redis.call('EXISTS', KEYS[2]) == 0 then return {} end
local answer = {}
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[2])) do
  local found = {}
  for at = 1, #info, 2 do found[info[at]] = info[at + 1] end
  local name = found['name']
  answer[#answer + 1] = {name, found['last-delivered-id'], found['pending'],
    redis.call('XINFO', 'CONSUMERS', KEYS[2], name),
    redis.call('XPENDING', KEYS[2], name, '-', '+', ARGV[1]),
    redis.call('XRANGE', KEYS[2], '(' .. found['last-delivered-id'], '+', 'COUNT', 1)}
end
return answer
`)
