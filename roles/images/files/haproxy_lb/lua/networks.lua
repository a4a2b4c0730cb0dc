-- Addresses and the networks that they belong to.
local networks = {}

local function is_ipv6(text)
  return text:find(":", 1, true) ~= nil
end

-- The networks of texts such as 10.0.0.0/8, for `contain`.
function networks.parsed(texts)
  local found = {}
  for _, text in ipairs(texts) do
    found[#found + 1] = { core.parse_addr(text), is_ipv6(text) }
  end
  return found
end

-- Whether an address is in one of the networks; nil where the text is no address.
function networks.contain(known, text)
  local address = core.parse_addr(text)
  if not address then
    return nil
  end
  local ipv6 = is_ipv6(text)
  for _, network in ipairs(known) do
    if network[2] == ipv6 and core.match_addr(address, network[1]) then
      return true
    end
  end
  return false
end

return networks
