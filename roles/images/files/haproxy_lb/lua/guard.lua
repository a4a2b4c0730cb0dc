-- Sends no request to an address outside the allowed networks, whatever Consul reports.
-- Arguments: the allowed networks; without any, all but the special ones are allowed.
local networks = require("networks")

local SPECIAL = {
  "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
  -- IPv4-mapped and IPv4-compatible addresses would bypass the rules for IPv4.
  "::/96", "::ffff:0:0/96", "fe80::/10", "ff00::/8",
}

local allowed, special = networks.parsed({ ... }), networks.parsed(SPECIAL)
-- The servers that this script has put into maintenance: those of an operator stay as they are.
local in_maintenance = {}

-- A cache: the same addresses are checked again and again.
local checked, count = {}, 0

local function permitted(host)
  local known = checked[host]
  if known ~= nil then
    return known
  end
  if count > 10000 then
    checked, count = {}, 0
  end
  local found
  if #allowed > 0 then
    found = networks.contain(allowed, host) == true
  else
    found = networks.contain(special, host) == false
  end
  checked[host], count = found, count + 1
  return found
end

local function check_servers(name)
  for label, server in pairs(core.backends[name].servers) do
    local address = server:get_addr()
    -- A slot without an instance has no such address.
    local host = address:match("^(.+):%d+$")
    if host then
      local id = name .. "/" .. label
      if not permitted(host) then
        if in_maintenance[id] ~= address then
          server:set_maint()
          core.log(core.warning, "haproxy-lb: skipped " .. id .. ": address " .. address
            .. " is outside the allowed networks")
          in_maintenance[id] = address
        end
      elseif in_maintenance[id] then
        in_maintenance[id] = nil
        server:set_ready()
      end
    end
  end
end

-- At each request, because a server may have got its address since the last check.
core.register_action("rollcall_guard", { "http-req" }, function(_, name) check_servers(name) end, 1)

core.register_task(function()
  while true do
    for name in pairs(core.backends) do
      if name:match("^service_") then
        check_servers(name)
      end
    end
    core.msleep(250)
  end
end)
