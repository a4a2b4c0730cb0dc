-- Removes a route's path from the URI of a request, and leaves every other byte as the client sent
-- it. Pure.
local M = {}

local function decode(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

-- What may stand in a path, RFC 3986 section 3.3; everything else is written as %XX.
local function encode(text)
  return (text:gsub("[^%w%-._~!$&'()*+,;=:@/]", function(char)
    return ("%%%02X"):format(char:byte())
  end))
end

local function without(uri, path)
  local rest = uri:sub(#path + 1)
  return rest == "" and "/" or rest
end

-- The position after the segments of `path` at the beginning of `raw`, which may have them encoded
-- or with repeated slashes, as nginx matches them; nil where dot segments move them.
local function after(raw, path)
  for segment in raw:gmatch("[^/]+") do
    local plain = decode(segment)
    if plain == "." or plain == ".." then
      return nil
    end
  end
  local at = 1
  for wanted in path:gmatch("[^/]+") do
    local first, last = raw:find("[^/]+", at)
    if not first or decode(raw:sub(first, last)) ~= wanted then
      return nil
    end
    at = last + 1
  end
  return at
end

-- `request_uri` is what the client sent, `uri` what nginx matched: decoded and without a query.
function M.strip(request_uri, uri, path)
  -- A proxy's request line has the scheme and the host too.
  local origin = request_uri:gsub("^%a[%w+.-]*://[^/?]*", "")
  local raw, query = origin:match("^([^?]*)(.*)$")
  local at = after(raw, path)
  if not at then
    return encode(without(uri, path)) .. query
  end
  local rest = raw:sub(at)
  return (rest == "" and "/" or rest) .. query
end

return M
