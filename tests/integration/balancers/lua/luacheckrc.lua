-- What luacheck allows: the Lua of nginx has the global ngx, that of HAProxy the global core.
std = "max"
globals = { "ngx", "core" }
max_line_length = 100
exclude_files = { "luacheckrc.lua" }
files["*_spec.lua"] = { std = "+busted" }
