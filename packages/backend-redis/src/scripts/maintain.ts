import { script, type Script } from '../script.js'

/**
 * One step of maintenance: everything in it, or nothing.
 *
 * KEYS: meta, aside, then the streams that the step works on. ARGV: log id, the revision on which
 * the step was decided (empty for a step that does not depend on it), then what to do, word by word:
 *
 * - `set` field value, `drop` field, `add` field by, `raise` field to
 * - `require` place id kind: stops, with nothing done, if a group of the stream has not handled all below
 *   the id, one that vanished and was not removed included; comes first
 * - `tally` place count numbers…: counts for each group of the stream how many of these it has not
 *   handled
 * - `trim` place id: removes all entries of the stream below the id
 * - `delete` place count ids…
 * - `take` place id why: moves the entry to `aside`, with its id and all its fields; one of more than
 *   3500 fields is left
 * - `swap` place place length: puts the second stream, a copy, in the first one's place, with all groups
 *   of that one: where they are, and what is pending for whom
 * - `regroup` place kind: makes the groups that `:meta` knows and the stream has not, behind what they
 *   had handled
 *
 * It also works where memory has run out: what compaction takes is the cure. Answers `ok`, the new
 * revision, and what was tallied, group by group; else why nothing was done:
 * `replaced`, `stale`, `changed`, `held` and the group.
 */
export const maintainScript: Script = script(`#!lua flags=allow-oom
local m = redis.pcall('HMGET', KEYS[1], 'log_id', 'rev', 'seq')
if m.err then return m end
if m[1] ~= ARGV[1] then return {'replaced'} end
if ARGV[2] ~= '' and m[2] ~= ARGV[2] then return {'stale'} end
for i = 2, #KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= 'stream' then
    return redis.error_reply('WRONGTYPE a key of the store is no stream')
  end
end
local at = 3
local function word()
  local value = ARGV[at]
  at = at + 1
  return value
end
local function groups(key)
  if redis.call('EXISTS', key) == 0 then return {} end
  local all = {}
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local found = {}
    for i = 1, #info, 2 do found[info[i]] = info[i + 1] end
    all[#all + 1] = found
  end
  return all
end
local function number(id) return tonumber(string.match(id, '^(%d+)')) end
-- A number above all of ours was never given: behind it a group would wait for ever.
local function ours(n) return string.format('%.0f-0', math.min(n, tonumber(m[3]))) end
local function carry(to, from)
  for _, group in ipairs(groups(to)) do
    local name = group.name
    redis.call('XGROUP', 'CREATE', from, name, ours(number(group['last-delivered-id'])), 'MKSTREAM')
    local after = '-'
    repeat
      local rows = redis.call('XPENDING', to, name, after, '+', 1000)
      for _, row in ipairs(rows) do
        redis.call('XCLAIM', from, name, row[2], 0, row[1],
          'IDLE', row[3], 'RETRYCOUNT', row[4], 'FORCE', 'JUSTID')
        after = '(' .. row[1]
      end
    until #rows < 1000
  end
end
local function swap(to, from, length)
  if redis.call('XLEN', from) ~= length then return false end
  carry(to, from)
  if redis.call('EXISTS', from) == 1 then redis.call('RENAME', from, to)
  else redis.call('DEL', to) end
  return true
end
local held
local tallied = {}
local steps = {}
steps.require = function()
  local key, below, kind = KEYS[tonumber(word())], number(word()), word()
  local there = {}
  for _, group in ipairs(groups(key)) do
    there[group.name] = true
    local pending = redis.call('XPENDING', key, group.name)
    local behind = number(group['last-delivered-id']) + 1 < below
      and #redis.call('XRANGE', key, '(' .. group['last-delivered-id'],
        string.format('(%.0f-0', below), 'COUNT', 1) > 0
    if behind or (pending[1] > 0 and number(pending[2]) < below) then
      held = group.name
      return false
    end
  end
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    local name = string.match(field, '^group:' .. kind .. ':([^:]+):done$')
    if name and not there[name] and tonumber(redis.call('HGET', KEYS[1], field)) + 1 < below then
      held = name
      return false
    end
  end
end
steps.tally = function()
  local key, count = KEYS[tonumber(word())], tonumber(word())
  local all = groups(key)
  for _ = 1, count do
    local id = word() .. '-0'
    for _, group in ipairs(all) do
      if number(id) > number(group['last-delivered-id'])
        or #redis.call('XPENDING', key, group.name, id, id, 1) > 0 then
        tallied[group.name] = (tallied[group.name] or 0) + 1
      end
    end
  end
end
steps.set = function() redis.call('HSET', KEYS[1], word(), word()) end
steps.drop = function() redis.call('HDEL', KEYS[1], word()) end
steps.add = function() redis.call('HINCRBY', KEYS[1], word(), word()) end
steps.raise = function()
  local field, value = word(), word()
  local now = tonumber(redis.call('HGET', KEYS[1], field) or '0')
  if now < tonumber(value) then redis.call('HSET', KEYS[1], field, value) end
end
steps.trim = function()
  local key = KEYS[tonumber(word())]
  redis.call('XTRIM', key, 'MINID', '=', word())
end
steps.delete = function()
  local key = KEYS[tonumber(word())]
  for _ = 1, tonumber(word()) do redis.call('XDEL', key, word()) end
end
steps.take = function()
  local key = KEYS[tonumber(word())]
  local id, why = word(), word()
  local found = redis.call('XRANGE', key, id, id)[1]
  if not found or #found[2] > 7000 then return end
  local entry = {'key', key, 'id', id, 'why', why}
  for i = 1, #found[2], 2 do
    entry[#entry + 1] = 'f:' .. found[2][i]
    entry[#entry + 1] = found[2][i + 1]
  end
  redis.call('XADD', KEYS[2], '*', unpack(entry))
  redis.call('XDEL', key, id)
end
steps.swap = function()
  local to, from, length = word(), word(), word()
  return swap(KEYS[tonumber(to)], KEYS[tonumber(from)], tonumber(length))
end
steps.regroup = function()
  local key, kind = KEYS[tonumber(word())], word()
  local there = {}
  for _, group in ipairs(groups(key)) do there[group.name] = true end
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    local name = string.match(field, '^group:' .. kind .. ':([^:]+):done$')
    if name and not there[name] then
      redis.call('XGROUP', 'CREATE', key, name,
        ours(tonumber(redis.call('HGET', KEYS[1], field))), 'MKSTREAM')
    end
  end
end
while at <= #ARGV do
  if steps[word()]() == false then return held and {'held', held} or {'changed'} end
end
local answer = {'ok', redis.call('HINCRBY', KEYS[1], 'rev', ARGV[2] == '' and 0 or 1)}
for name, count in pairs(tallied) do
  answer[#answer + 1] = name
  answer[#answer + 1] = count
end
return answer
`)

/**
 * Copies entries of one stream to another under their ids.
 *
 * KEYS: from, to. ARGV: where to begin, as XRANGE takes it, and how many. Answers the last id that was
 * copied; empty at the end.
 */
export const copyScript: Script = script(`
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
local last = ''
for _, entry in ipairs(entries) do
  redis.call('XADD', KEYS[2], entry[1], unpack(entry[2]))
  last = entry[1]
end
return last
`)
