-- An instance gets no request at an address that no instance may have, whatever Consul says.
-- Arguments: the networks that instances may be in; none means all but the special ones.
local SPECIAL = {
  "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
  -- IPv4 in IPv6's clothes would pass every rule for IPv4.
  "::/96", "::ffff:0:0/96", "fe80::/10", "ff00::/8",
}

local function parsed(texts)
  local found = {}
  for _, text in ipairs(texts) do
    found[#found + 1] = { core.parse_addr(text), text:find(":", 1, true) ~= nil }
  end
  return found
end

local allowed, special = parsed({ ... }), parsed(SPECIAL)
-- The servers that this script has shut: what an operator shuts stays shut.
local shut = {}

local function inside(host, networks)
  local address = core.parse_addr(host)
  local wide = host:find(":", 1, true) ~= nil
  if not address then
    return nil
  end
  for _, network in ipairs(networks) do
    if network[2] == wide and core.match_addr(address, network[1]) then
      return true
    end
  end
  return false
end

-- Addresses come back all the time: each is judged once.
local judged, count = {}, 0

local function fits(host)
  local known = judged[host]
  if known ~= nil then
    return known
  end
  if count > 10000 then
    judged, count = {}, 0
  end
  local found
  if #allowed > 0 then
    found = inside(host, allowed) == true
  else
    found = inside(host, special) == false
  end
  judged[host], count = found, count + 1
  return found
end

local function look(name)
  for label, server in pairs(core.backends[name].servers) do
    local place = server:get_addr()
    -- A slot without an instance has none of this shape.
    local host = place:match("^(.+):%d+$")
    if host then
      local id = name .. "/" .. label
      if not fits(host) then
        if shut[id] ~= place then
          server:set_maint()
          core.log(core.warning, "haproxy-lb: skipped " .. id .. ": address " .. place .. " is none that an instance may have")
          shut[id] = place
        end
      elseif shut[id] then
        shut[id] = nil
        server:set_ready()
      end
    end
  end
end

-- At each request, for a server may have got its address since the last look.
core.register_action("rollcall_guard", { "http-req" }, function(_, name) look(name) end, 1)

core.register_task(function()
  while true do
    for name in pairs(core.backends) do
      if name:match("^service_") then
        look(name)
      end
    end
    core.msleep(250)
  end
end)
