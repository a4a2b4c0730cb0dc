local instances = require "nginx_lb.instances"

-- CRC-32, which nginx gives to the balancer.
local bit = require "bit"
local function hash(text)
  local found = -1
  for i = 1, #text do
    found = bit.bxor(found, text:byte(i))
    for _ = 1, 8 do
      local low = bit.band(found, 1)
      found = bit.bxor(bit.rshift(found, 1), low == 1 and 0xedb88320 or 0)
    end
  end
  return bit.bnot(found) % 4294967296
end

local function list(...)
  local lines = {}
  for _, number in ipairs({ ... }) do
    lines[#lines + 1] = ("10.0.0.%d:80 1"):format(number)
  end
  return assert(instances.parse(table.concat(lines, "\n")))
end

local function counts(choose, times)
  local found = {}
  for i = 1, times do
    local address = choose(i).address
    found[address] = (found[address] or 0) + 1
  end
  return found
end

describe("the file", function()
  it("has the instances of each service", function()
    local services, serial = instances.split("service a\n10.0.0.1:80 1\nservice b\nend 7\n")
    assert.are.same({ a = "10.0.0.1:80 1", b = "" }, services)
    assert.are.equal(7, serial)
  end)

  it("names services as the settings do", function()
    local names = { "web", "web+even", "v1.2_a:b/c=d-e.web", "x+even" }
    for _, name in ipairs(names) do
      local services = assert(instances.split("service " .. name .. "\n10.0.0.1:80 1\nend 7\n"))
      assert.are.same({ [name] = "10.0.0.1:80 1" }, services)
    end
  end)

  for what, text in pairs({
    ["is truncated"] = "service a\n10.0.0.1:80 1\n",
    ["goes on after its end"] = "end 7\nservice a\n",
    ["lists a service twice"] = "service a\nservice a\nend 7\n",
    ["begins with an instance"] = "10.0.0.1:80 1\nend 7\n",
    ["has an empty line"] = "service a\n\nend 7\n",
    ["has a strange name"] = "service a b\nend 7\n",
    ["is empty"] = "",
  }) do
    it("is refused where it " .. what, function()
      assert.is_nil((instances.split(text)))
    end)
  end

  it("has IPv4 and IPv6", function()
    local found = instances.parse("10.0.0.1:8080 3\n[2001:db8::1]:80 1")
    assert.are.same({ "10.0.0.1", 8080, 3 }, { found[1].host, found[1].port, found[1].weight })
    assert.are.same({ "[2001:db8::1]", 80, 1 }, { found[2].host, found[2].port, found[2].weight })
  end)

  for _, line in ipairs({
    "10.0.0.1:80", "10.0.0.1 1", "10.0.0.1:0 1", "10.0.0.1:65536 1", "10.0.0.1:80 0",
    "a.example:80 1", "unix:/a 1", "10.0.0.1:80 1 2", "2001:db8::1:80 1", "10.0.0.1:80 70000",
  }) do
    it("is refused with the line " .. line, function()
      assert.is_nil((instances.parse(line)))
    end)
  end
end)

describe("round robin", function()
  it("takes turns", function()
    local found = list(1, 2, 3)
    local seen = counts(function() return instances.choose(found, "round_robin", 0) end, 30)
    assert.are.same({ ["10.0.0.1:80"] = 10, ["10.0.0.2:80"] = 10, ["10.0.0.3:80"] = 10 }, seen)
  end)

  it("counts weights, and spreads the heavy one", function()
    local found = instances.parse("10.0.0.1:80 3\n10.0.0.2:80 1")
    local order = {}
    for i = 1, 8 do
      order[i] = instances.choose(found, "round_robin", 0).host:sub(-1)
    end
    assert.are.equal("11211121", table.concat(order))
  end)

  it("leaves out who is marked, until the mark ends", function()
    local found = list(1, 2)
    found[1].down = 10
    local function pick(now)
      return counts(function() return instances.choose(found, "round_robin", now) end, 4)
    end
    assert.are.same({ ["10.0.0.2:80"] = 4 }, pick(5))
    assert.are.same({ ["10.0.0.1:80"] = 2, ["10.0.0.2:80"] = 2 }, pick(11))
  end)

  it("never asks the same one twice for one request, if there is another", function()
    local found = list(1, 2, 3)
    for _ = 1, 20 do
      local tried = { ["10.0.0.1:80"] = true, ["10.0.0.3:80"] = true }
      assert.are.equal("10.0.0.2:80", instances.choose(found, "round_robin", 0, tried).address)
    end
  end)

  for _, method in ipairs({ "round_robin", "least_conn", "hash" }) do
    it("and every method finds somebody where all are marked: " .. method, function()
      local found = list(1, 2)
      found[1].down, found[2].down = 10, 10
      local last = method == "hash" and { "key", hash } or { {} }
      assert.is_truthy(instances.choose(found, method, 0, nil, unpack(last)))
      local tried = { ["10.0.0.1:80"] = true }
      local other = instances.choose(found, method, 0, tried, unpack(last))
      assert.are.equal("10.0.0.2:80", other.address)
      tried["10.0.0.2:80"] = true
      assert.is_truthy(instances.choose(found, method, 0, tried, unpack(last)))
    end)
  end
end)

describe("the fewest connections", function()
  it("are those of the idle one", function()
    local found = list(1, 2, 3)
    local open = { ["10.0.0.1:80"] = 2, ["10.0.0.3:80"] = 1 }
    for _ = 1, 5 do
      assert.are.equal("10.0.0.2:80", instances.choose(found, "least_conn", 0, nil, open).address)
    end
  end)

  it("are counted for the weight", function()
    local found = instances.parse("10.0.0.1:80 4\n10.0.0.2:80 1")
    local open = { ["10.0.0.1:80"] = 3, ["10.0.0.2:80"] = 1 }
    assert.are.equal("10.0.0.1:80", instances.choose(found, "least_conn", 0, nil, open).address)
  end)

  it("take turns among equals", function()
    local found = list(1, 2)
    local seen = counts(function() return instances.choose(found, "least_conn", 0, nil, {}) end, 10)
    assert.are.same({ ["10.0.0.1:80"] = 5, ["10.0.0.2:80"] = 5 }, seen)
  end)
end)

for _, count in ipairs({ 3, 30, 40 }) do
  describe("the hash over " .. count .. " instances", function()
    local numbers = {}
    for i = 1, count do
      numbers[i] = i
    end
    local function pick(found, key)
      return instances.choose(found, "hash", 0, nil, "key-" .. key, hash)
    end

    it("gives a key the same one each time", function()
      local one, other = list(unpack(numbers)), list(unpack(numbers))
      for key = 1, 200 do
        assert.are.equal(pick(one, key).address, pick(other, key).address)
      end
    end)

    it("spreads the keys", function()
      local found = list(unpack(numbers))
      local times = 1000 * count
      for _, number in pairs(counts(function(key) return pick(found, key) end, times)) do
        assert.is_true(number > 600 and number < 1500, "a share of " .. number .. " of 1000")
      end
    end)

    it("moves only the keys of who leaves", function()
      local before, after = list(unpack(numbers)), list(unpack(numbers))
      after[2].down = 1
      for key = 1, 500 do
        local old = pick(before, key).address
        local new = pick(after, key).address
        assert.are.equal(old == "10.0.0.2:80", new ~= old)
      end
    end)
  end)
end

describe("the hash", function()
  it("counts weights", function()
    local found = instances.parse("10.0.0.1:80 3\n10.0.0.2:80 1")
    local seen = counts(function(key)
      return instances.choose(found, "hash", 0, nil, "key-" .. key, hash)
    end, 4000)
    assert.is_true(seen["10.0.0.1:80"] > 2800 and seen["10.0.0.1:80"] < 3200)
  end)
end)
