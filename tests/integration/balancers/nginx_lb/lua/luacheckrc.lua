-- What luacheck allows: nginx's Lua has the global ngx.
std = "luajit"
globals = { "ngx" }
max_line_length = 100
exclude_files = { "luacheckrc.lua" }
files["*_spec.lua"] = { std = "+busted" }
