-- Sends requests to the instances in the file that nginx-lb writes, without a reload. The workers
-- share what is known in a dictionary: the lines of each service, which instances are marked down,
-- and a version that every change raises. A worker reads it before it uses what it knows.
local balancer = require "ngx.balancer"
local instances = require "nginx_lb.instances"

local dict = ngx.shared.nginx_lb_instances
local M = {}

-- A mark ends by itself where the worker that probes the instance was killed.
local MARK_SECONDS = 60
local CONNECT_MS, OPEN_MS = 1000, 100
-- The pause of probes that a new worker continues.
local RESUME_SECONDS = 1

-- The file with the instances, and the socket of our own server for services that have none.
local file, empty
-- By service: the parsed instances, and the version at which they were read.
local known = {}
-- By address: the requests of this worker, for least_conn.
local open = {}

-- What the keys with this prefix are about.
local function named(prefix)
  local found = {}
  for _, key in ipairs(dict:get_keys(0)) do
    if key:sub(1, #prefix) == prefix then
      found[#found + 1] = key:sub(#prefix + 1)
    end
  end
  return found
end

local function crc(text)
  return ngx.crc32_long(text) % 4294967296
end

local function read_file()
  local handle, problem = io.open(file, "r")
  if not handle then
    return nil, problem
  end
  local text = handle:read("*a")
  handle:close()
  return text
end

-- Takes over the content of the file; nil and a reason where it is malformed, and nothing changes.
local function load()
  local text, problem = read_file()
  if not text then
    return nil, problem
  end
  local services, serial = instances.split(text)
  if not services then
    return nil, serial
  end
  for name, lines in pairs(services) do
    -- What is in the dictionary was parsed before it came there.
    if dict:get("service:" .. name) ~= lines then
      local _, malformed = instances.parse(lines)
      if malformed then
        return nil, malformed
      end
    end
  end
  for name, lines in pairs(services) do
    local stored, full = dict:safe_set("service:" .. name, lines)
    if not stored then
      return nil, "the shared dictionary: " .. full
    end
  end
  for _, name in ipairs(named("service:")) do
    if not services[name] then
      dict:delete("service:" .. name)
    end
  end
  dict:set("serial", serial)
  dict:incr("version", 1, 0)
  return serial
end

-- The instances of a service with their marks; nil for a service that nobody has listed.
local function current(name)
  local version = dict:get("version")
  local found = known[name]
  if found and found.version == version then
    return found.list
  end
  local lines = dict:get("service:" .. name)
  if not found or found.lines ~= lines then
    found = { lines = lines, list = lines and instances.parse(lines) }
    known[name] = found
  end
  for _, each in ipairs(found.list or {}) do
    each.down = dict:get("down:" .. each.address)
  end
  found.version = version
  return found.list
end

local function listed(address)
  for _, name in ipairs(named("service:")) do
    if ((dict:get("service:" .. name) or "") .. "\n"):find(address .. " ", 1, true) then
      return true
    end
  end
  return false
end

-- Whether an instance accepts a connection and keeps it open. Nothing is sent: what an instance
-- answers to a request says nothing about its other answers.
local function accepts(address)
  local host, port = address:match("^(.+):(%d+)$")
  local socket = ngx.socket.tcp()
  socket:settimeouts(CONNECT_MS, CONNECT_MS, OPEN_MS)
  if not socket:connect(host, tonumber(port)) then
    return false
  end
  local _, problem = socket:receive(1)
  socket:close()
  return problem == nil or problem == "timeout"
end

local probe

-- Out until the probe after the pause, and a while beyond it. With another version every worker
-- reads the end of the mark again.
local function put_down(verb, address, pause)
  local seconds = pause + MARK_SECONDS
  local stored = dict[verb](dict, "down:" .. address, ngx.now() + seconds, seconds)
  if stored then
    dict:incr("version", 1, 0)
    ngx.timer.at(pause, probe, address, pause)
  end
  return stored
end

local function mark(address, pause)
  if put_down("add", address, pause) then
    ngx.log(ngx.WARN, "instance ", address, " is down: it accepts no connection")
  end
end

-- Half-open: a connection of our own finds out whether a marked instance is back.
probe = function(premature, address, pause)
  if premature then
    return
  end
  if not accepts(address) and listed(address) then
    put_down("set", address, pause)
    return
  end
  dict:delete("down:" .. address)
  dict:incr("version", 1, 0)
  ngx.log(ngx.WARN, "instance ", address, " is up again")
end

-- A connection broke or was silent after the request was sent. One URL may do that by itself: the
-- instance is marked only where it does not keep a connection open that asks for nothing.
local function suspect(premature, address, pause)
  if not premature and not accepts(address) then
    mark(address, pause)
  end
  dict:delete("suspect:" .. address)
end

-- The values of a variable that has one for each try. nginx writes a colon for the try that is just
-- beginning.
local function tries_of(variable)
  local found = {}
  for value in (variable or ""):gmatch("[^%s,]+") do
    if value ~= ":" then
      found[#found + 1] = value
    end
  end
  return found
end

local function last_of(variable)
  local found = tries_of(variable)
  return found[#found] or "-"
end

-- Draws the conclusion from the last try of this request: whether it was answered, with a status.
local function judge(pause)
  local address = last_of(ngx.var.upstream_addr)
  if address:sub(1, 5) == "unix:" or address == "-" then
    return false
  end
  local answered = last_of(ngx.var.upstream_header_time) ~= "-"
  local sent = last_of(ngx.var.upstream_bytes_sent)
  if answered then
    return true
  elseif sent == "0" or sent == "-" then
    mark(address, pause)
  elseif dict:add("suspect:" .. address, true, MARK_SECONDS) then
    ngx.timer.at(0, suspect, address, pause)
  end
  return false
end

-- The addresses that this request has tried, and how many they are.
local function tried()
  local found, count = {}, 0
  for _, address in ipairs(tries_of(ngx.var.upstream_addr)) do
    if not found[address] then
      found[address], count = true, count + 1
    end
  end
  return found, count
end

-- Chooses the instance of a request: the body of balancer_by_lua_block. `pause` is in seconds,
-- `key` the nginx variable that is hashed.
function M.balance(name, method, pause, key)
  local list = current(name)
  if not list or #list == 0 then
    return assert(balancer.set_current_peer(empty))
  end
  local seen, answered
  local tries = 0
  if balancer.get_last_failure() then
    seen, tries = tried()
    answered = judge(pause)
  end
  -- Broken connections are tried elsewhere as often as the settings allow, an answer once.
  if tries + 1 < #list and not answered then
    balancer.set_more_tries(1)
  end
  local chosen
  if method == "hash" then
    chosen = instances.choose(list, method, ngx.now(), seen, ngx.var[key] or "", crc)
  else
    chosen = instances.choose(list, method, ngx.now(), seen, open)
  end
  if method == "least_conn" then
    open[chosen.address] = (open[chosen.address] or 0) + 1
  end
  assert(balancer.set_current_peer(chosen.host, chosen.port))
end

-- The body of log_by_lua_block where the method is least_conn.
function M.done()
  for _, address in ipairs(tries_of(ngx.var.upstream_addr)) do
    local count = (open[address] or 0) - 1
    open[address] = count > 0 and count or nil
  end
end

-- The body of the location to which nginx's own 502 and 504 go: no further try, so the balancer's
-- hook does not see this failure.
function M.failed(pause)
  judge(pause)
  return ngx.exit(ngx.status)
end

-- The body of init_by_lua_block: the instances are there before the first connection.
function M.init(path, socket)
  file, empty = path, socket
  local _, problem = load()
  if problem then
    ngx.log(ngx.ERR, "instances: ", problem)
  end
end

-- The body of init_worker_by_lua_block: continues the probes of workers that have exited.
function M.init_worker()
  math.randomseed(ngx.worker.pid())
  if ngx.worker.id() == 0 then
    for _, address in ipairs(named("down:")) do
      ngx.timer.at(RESUME_SECONDS, probe, address, RESUME_SECONDS)
    end
  end
end

-- The body of the control location: POST takes over the file, GET tells what is known.
function M.control()
  ngx.header.content_type = "text/plain"
  if ngx.req.get_method() == "POST" then
    local serial, problem = load()
    if not serial then
      ngx.status = 400
      ngx.say(problem)
      return
    end
  end
  ngx.say("serial ", dict:get("serial") or 0)
  for _, address in ipairs(named("down:")) do
    ngx.say("down ", address)
  end
end

return M
