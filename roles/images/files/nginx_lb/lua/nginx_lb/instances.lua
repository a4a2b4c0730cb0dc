-- Parses the file with the instances of all services, and chooses the instance of a request. Pure:
-- nothing of nginx is used here, so that busted tests it.
--
-- The file has a line for each service and one for each of its instances, and ends with the serial
-- number of its content, so that a truncated file is no list of instances:
--
--   service shop
--   10.0.0.1:32768 1
--   [fd00::1]:80 3
--   end 17
local bit = require "bit"

local M = {}

-- Above this number of instances a ring is cheaper than a score for each of them.
M.MOST_SCORED = 30
-- Points of an instance of mean weight on the ring. Shares then differ by about a tenth.
local POINTS = 80

local function endpoint(text)
  local host, port = text:match("^(%d+%.%d+%.%d+%.%d+):(%d+)$")
  if not host then
    host, port = text:match("^(%[[%x:.]+%]):(%d+)$")
  end
  local number = tonumber(port)
  if number and number >= 1 and number <= 65535 then
    return host, number
  end
  return nil
end

-- The instances in the lines of one service; nil and a reason where one is malformed.
function M.parse(lines)
  local found, same = {}, true
  for line in lines:gmatch("[^\n]+") do
    local address, weight = line:match("^(%S+) (%d+)$")
    local host, port = endpoint(address or "")
    if not host then
      return nil, "not an instance: " .. line:sub(1, 80)
    end
    local number = tonumber(weight)
    if number < 1 or number > 65535 then
      return nil, "not a weight: " .. line:sub(1, 80)
    end
    found[#found + 1] = { address = address, host = host, port = port, weight = number, turn = 0 }
    same = same and number == found[1].weight
  end
  found.even = same
  return found
end

-- The lines of each service by name, and the serial number. nil and a reason for anything else.
function M.split(text)
  local services, name, lines = {}, nil, nil
  local serial
  local function close()
    if name then
      services[name] = table.concat(lines, "\n")
    end
  end
  for line in text:gmatch("([^\n]*)\n") do
    if serial then
      return nil, "a line after the end"
    end
    -- Tags with any of ._:=/- are part of a name, and so is what follows a plus sign.
    local service = line:match("^service ([%w._:=/+-]+)$")
    local number = line:match("^end (%d+)$")
    if service then
      close()
      if services[service] then
        return nil, "service " .. service .. " is listed twice"
      end
      name, lines = service, {}
    elseif number then
      close()
      serial = tonumber(number)
    elseif name and line ~= "" then
      lines[#lines + 1] = line
    else
      return nil, "not a line of this file: " .. line:sub(1, 80)
    end
  end
  if not serial then
    return nil, "the file is truncated"
  end
  return services, serial
end

-- Whom a request may be sent to. `wanted.now` is the time for marks, `wanted.tried` has the
-- addresses that the request has tried, and `wanted.last_resort` allows both.
local function usable(each, wanted)
  if wanted.last_resort == "any" then
    return true
  elseif wanted.tried and wanted.tried[each.address] then
    return false
  end
  return wanted.last_resort or not (each.down and each.down > wanted.now)
end

-- Smooth weighted round robin, as nginx does it: the heaviest debt is next.
local function by_weight(list, wanted)
  local best, total = nil, 0
  for i = 1, #list do
    local each = list[i]
    if usable(each, wanted) then
      each.turn = each.turn + each.weight
      total = total + each.weight
      if not best or each.turn > best.turn then
        best = each
      end
    end
  end
  if best then
    best.turn = best.turn - total
  end
  return best
end

local function by_turn(list, wanted)
  local count = #list
  local at = list.at or math.random(count)
  for _ = 1, count do
    at = at % count + 1
    if usable(list[at], wanted) then
      list.at = at
      return list[at]
    end
  end
  return nil
end

function M.round_robin(list, wanted)
  return (list.even and by_turn or by_weight)(list, wanted)
end

-- The fewest open requests for its weight; turns among equals.
function M.least_conn(list, wanted, open)
  local count = #list
  local at, best, least = list.at or math.random(count), nil, nil
  for _ = 1, count do
    at = at % count + 1
    local each = list[at]
    if usable(each, wanted) then
      local load = (open[each.address] or 0) / each.weight
      if not best or load < least then
        best, least, list.at = each, load, at
      end
    end
  end
  return best
end

local WORD = 4294967296

local function multiply(one, other)
  -- In two parts, so that no product needs more than the 53 bits of a number.
  local high = math.floor(one / 65536) * other % 65536
  return (one % 65536 * other + high * 65536) % WORD
end

-- The finalizer of MurmurHash3. A CRC of two addresses differs by the same bits for every key, and
-- the shares would be uneven without it.
local function mixed(number)
  number = multiply(bit.bxor(number, bit.rshift(number, 16)) % WORD, 0x85ebca6b)
  number = multiply(bit.bxor(number, bit.rshift(number, 13)) % WORD, 0xc2b2ae35)
  return bit.bxor(number, bit.rshift(number, 16)) % WORD
end

-- The highest score of rendezvous hashing: an instance that leaves moves only its own requests.
local function by_score(list, wanted, key, hash)
  local best, highest
  for i = 1, #list do
    local each = list[i]
    if usable(each, wanted) then
      -- From 0 to 1, and never either of them.
      local share = (mixed(hash(each.address .. key)) + 0.5) / WORD
      local score = -each.weight / math.log(share)
      if not best or score > highest then
        best, highest = each, score
      end
    end
  end
  return best
end

local function ring_of(list, hash)
  local total, ring = 0, {}
  for i = 1, #list do
    total = total + list[i].weight
  end
  local mean = total / #list
  for i = 1, #list do
    for point = 1, math.max(1, math.floor(POINTS * list[i].weight / mean)) do
      ring[#ring + 1] = { at = mixed(hash(list[i].address .. "-" .. point)), instance = list[i] }
    end
  end
  table.sort(ring, function(one, other)
    if one.at ~= other.at then
      return one.at < other.at
    end
    return one.instance.address < other.instance.address
  end)
  return ring
end

local function by_ring(list, wanted, key, hash)
  list.ring = list.ring or ring_of(list, hash)
  local ring, at = list.ring, mixed(hash(key))
  local low, high = 1, #ring + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    if ring[middle].at < at then
      low = middle + 1
    else
      high = middle
    end
  end
  for step = 0, #ring - 1 do
    local each = ring[(low - 1 + step) % #ring + 1].instance
    if usable(each, wanted) then
      return each
    end
  end
  return nil
end

-- The same key has the same instance, as long as that one is usable. `hash` gives 32 bits.
function M.hash(list, wanted, key, hash)
  return (#list > M.MOST_SCORED and by_ring or by_score)(list, wanted, key, hash)
end

-- Used again for each request of a worker: choosing never yields.
local wanted = {}

-- Chooses by one of the three above, with its arguments. Instances that are marked, and then those
-- that were tried, are the last resort: a request never finds nobody because all are marked.
function M.choose(list, method, now, tried, ...)
  local pick = M[method]
  wanted.now, wanted.tried, wanted.last_resort = now, tried, nil
  local found = pick(list, wanted, ...)
  if not found then
    wanted.last_resort = "marked"
    found = pick(list, wanted, ...)
  end
  if not found then
    wanted.last_resort = "any"
    found = pick(list, wanted, ...)
  end
  return found
end

return M
