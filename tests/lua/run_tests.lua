-- lua5.4 tests/lua/run_tests.lua REPOSITORY FILE...: exit status 1 when a test failed or none ran.
local root = arg[1]
package.path = root .. "/lua/?.lua;" .. root .. "/tests/lua/?.lua"

local check = require("check")
require("fake_zlib") -- before any part of the plugin looks for zlib
require("fake_mame").folder = root .. "/lua"
check.root = root
for i = 2, #arg do
  dofile(root .. "/tests/lua/" .. arg[i] .. ".lua")
end
print(string.format("%d tests, %d failed", check.run, check.failed))
os.exit(check.failed == 0 and check.run > 0)
