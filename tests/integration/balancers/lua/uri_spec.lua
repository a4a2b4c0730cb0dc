local uri = require "nginx_lb.uri"

describe("a path that is removed", function()
  local function strips(request_uri, matched, expected)
    assert.are.equal(expected, uri.strip(request_uri, matched, "/shop/v1"))
  end

  it("leaves the rest byte for byte", function()
    strips("/shop/v1/a%2Fb//c?d=%20&e", "/shop/v1/a/b/c", "/a%2Fb//c?d=%20&e")
  end)

  it("leaves a slash where nothing is left", function()
    strips("/shop/v1", "/shop/v1", "/")
    strips("/shop/v1?a", "/shop/v1", "/?a")
  end)

  it("is found where it is written otherwise", function()
    strips("//shop/%761/x", "/shop/v1/x", "/x")
  end)

  it("is removed from what nginx matched where dot segments move it", function()
    strips("/x/../shop/v1/%20", "/shop/v1/ ", "/%20")
    strips("/shop/v1/../v1/a%0db", "/shop/v1/a\rb", "/a%0Db")
  end)

  it("comes after the scheme and the host of a proxy's request", function()
    strips("http://a.example:80/shop/v1/x?y", "/shop/v1/x", "/x?y")
  end)
end)
