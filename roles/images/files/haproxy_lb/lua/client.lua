-- Finds the client of a request that trusted proxies have passed on, and appends the last of them
-- to X-Forwarded-For. Arguments: the header with the client, then the networks of the proxies.
local networks = require("networks")
local arguments = { ... }
local header = table.remove(arguments, 1):lower()
local proxies = networks.parsed(arguments)

-- The elements of a header in all its lines.
local function elements(headers, name)
  local lines, found = headers[name] or {}, {}
  -- HAProxy counts the lines from 0.
  local number = 0
  while lines[number] do
    for element in lines[number]:gmatch("[^,]+") do
      found[#found + 1] = element:match("^%s*(.-)%s*$")
    end
    number = number + 1
  end
  return found
end

-- The address in an element such as 192.0.2.1, 192.0.2.1:80, 2001:db8::1 or [2001:db8::1]:80; nil
-- for anything else.
local function address_of(element)
  local text = element:match("^%[([%x:.]+)%]$")
    or element:match("^%[([%x:.]+)%]:%d+$")
    or element:match("^([%d.]+):%d+$")
    or element:match("^[%x:.]+$")
  return text and core.parse_addr(text) and text
end

-- The last address that is none of the proxies. An element without an address ends the search: no
-- proxy vouches for what stands left of it.
local function client_of(peer, chain)
  local found = peer
  for position = #chain, 1, -1 do
    local before = networks.contain(proxies, found) and address_of(chain[position])
    if not before then
      break
    end
    found = before
  end
  return found
end

core.register_action("rollcall_client", { "http-req" }, function(txn)
  local peer, headers = txn.f:src(), txn.http:req_get_headers()
  txn:set_var("txn.client", client_of(peer, elements(headers, header)))
  local chain = elements(headers, "x-forwarded-for")
  chain[#chain + 1] = peer
  txn.http:req_set_header("X-Forwarded-For", table.concat(chain, ", "))
end)
