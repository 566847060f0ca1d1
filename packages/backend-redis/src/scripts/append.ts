import { script, type Script } from '../script.js'

/**
 * Appends a batch, all of it or nothing.
 *
 * KEYS: meta, writers, the streams in the order of `KINDS`.
 * ARGV: log id, epoch, writer, the number of its first record, the runs of one kind as
 * `<place of the kind>:<records>,…`, the number of records, and all of them in one string: of each
 * its checksum of 8 digits, its text, and a zero byte.
 *
 * Answers `ok` and the first number given, also if just this batch was stored before; `void` if the
 * batch was given up; else why nothing was done: `replaced`, `epoch`, `gap` (the writer's row is gone
 * or behind), `suspect`, `length` or `top` (a stream is not as we left it) and its place.
 */
export const appendScript: Script = script(`
local kinds = {'event', 'audit', 'dead_letter'}
local format = string.format
local function text(n) return format('%d', n) end
local m = redis.pcall('HMGET', KEYS[1], 'log_id', 'epoch', 'seq', 'suspect',
  'added:event', 'bytes:event', 'gone:event',
  'added:audit', 'bytes:audit', 'gone:audit',
  'added:dead_letter', 'bytes:dead_letter', 'gone:dead_letter')
if m.err then return m end
if m[1] ~= ARGV[1] then return {'replaced'} end
local row = redis.pcall('HGET', KEYS[2], ARGV[3])
if type(row) == 'table' and row.err then return row end
local first = tonumber(ARGV[4])
local count = tonumber(ARGV[6])
if row then
  local lastN, firstN, firstSeq = string.match(row, '^%d+:(%d+):%d+:(%d+):(%d+)$')
  if not lastN then return {'gap'} end
  lastN = tonumber(lastN)
  if first <= lastN then
    if tonumber(firstN) ~= first or lastN ~= first + count - 1 then return {'gap'} end
    if firstSeq == '0' then return {'void'} end
    return {'ok', firstSeq}
  end
  if m[2] == ARGV[2] and first ~= lastN + 1 then return {'gap'} end
elseif m[2] == ARGV[2] and first ~= 1 then
  return {'gap'}
end
if m[2] ~= ARGV[2] then return {'epoch'} end
if m[4] then return {'suspect'} end
local added, bytes = {}, {}
for i = 1, 3 do
  added[i] = tonumber(m[3 * i + 2])
  bytes[i] = tonumber(m[3 * i + 3])
  local length = redis.pcall('XLEN', KEYS[i + 2])
  if type(length) == 'table' then return length end
  if length ~= added[i] - tonumber(m[3 * i + 4]) then return {'length', i} end
end
local before = tonumber(m[3])
local seq, n, at = before, first, 1
local head = ARGV[3] .. ':' .. ARGV[2] .. ':'
local pcall, unpack, all = redis.pcall, struct.unpack, ARGV[7]
local function undo(failed)
  local one = before
  for place, size in string.gmatch(ARGV[5], '(%d):(%d+)') do
    for _ = 1, tonumber(size) do
      one = one + 1
      if one == failed then return end
      redis.call('XDEL', KEYS[place + 2], text(one) .. '-0')
    end
  end
end
-- Here the server spends its time: %d is cheaper than %.0f, and as exact below 2^53.
for place, size in string.gmatch(ARGV[5], '(%d):(%d+)') do
  local i = tonumber(place)
  local key, frame, records, total = KEYS[i + 2], 18 + #kinds[i], added[i], bytes[i]
  for _ = 1, tonumber(size) do
    local crc, record
    crc, record, at = unpack('c8s', all, at)
    seq = seq + 1
    local id = format('%d-0', seq)
    records = records + 1
    total = total + frame + #id + #record
    local mark = format('%s%d:%s:%d:%d', head, n, crc, records, total)
    local answer = pcall('XADD', key, id, mark, record)
    if answer ~= id then
      undo(seq)
      if seq > before + 1 then redis.call('HSET', KEYS[1], 'seq', text(seq)) end
      if not string.find(answer.err, 'The ID specified', 1, true) then return answer end
      return {'top', i}
    end
    n = n + 1
  end
  added[i], bytes[i] = records, total
end
redis.call('HSET', KEYS[1], 'seq', text(seq),
  'added:event', text(added[1]), 'bytes:event', text(bytes[1]),
  'added:audit', text(added[2]), 'bytes:audit', text(bytes[2]),
  'added:dead_letter', text(added[3]), 'bytes:dead_letter', text(bytes[3]))
redis.call('HSET', KEYS[2], ARGV[3], ARGV[2] .. ':' .. text(n - 1) .. ':' .. text(seq) .. ':' ..
  text(first) .. ':' .. text(before + 1))
return {'ok', text(before + 1)}
`)

/**
 * Settles a batch whose answer never came and for which nobody waits any longer: if it was stored,
 * answers `ok` and its first number; else gives its numbers up, so that it is refused should it
 * still arrive, and answers `void`.
 *
 * KEYS: meta, writers. ARGV: log id, epoch, writer, first and last number of the batch.
 */
export const settleScript: Script = script(`
local id = redis.pcall('HGET', KEYS[1], 'log_id')
if type(id) == 'table' and id.err then return id end
if id ~= ARGV[1] then return {'replaced'} end
local row = redis.pcall('HGET', KEYS[2], ARGV[3])
if type(row) == 'table' and row.err then return row end
local first, last = tonumber(ARGV[4]), tonumber(ARGV[5])
local had, lastSeq = 0, '0'
if row then
  local lastN, seq, firstN, firstSeq = string.match(row, '^%d+:(%d+):(%d+):(%d+):(%d+)$')
  if not lastN then return {'gap'} end
  had, lastSeq = tonumber(lastN), seq
  if had == last and tonumber(firstN) == first then
    if firstSeq == '0' then return {'void'} end
    return {'ok', firstSeq}
  end
end
if had ~= first - 1 then return {'gap'} end
redis.call('HSET', KEYS[2], ARGV[3],
  ARGV[2] .. ':' .. ARGV[5] .. ':' .. lastSeq .. ':' .. ARGV[4] .. ':0')
return {'void'}
`)

/**
 * Forgets a writer of which no request can be on its way any more.
 *
 * KEYS: meta, writers. ARGV: log id, writer.
 */
export const leaveScript: Script = script(`
if redis.call('HGET', KEYS[1], 'log_id') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[2], ARGV[2])
`)
