-- Tests by name; a failed one is printed with where and why.
local check = { failed = 0, run = 0 }

function check.test(name, body)
  local _ENV_filter = os.getenv("SINV_TEST")
  if _ENV_filter and not name:find(_ENV_filter, 1, true) then
    return
  end
  check.run = check.run + 1
  local ok, problem = xpcall(body, debug.traceback)
  if not ok then
    check.failed = check.failed + 1
    print("FAILED " .. name .. "\n  " .. tostring(problem))
  end
end

local function shown(value)
  local s = type(value) == "string" and string.format("%q", value) or tostring(value)
  return #s > 200 and s:sub(1, 200) .. "..." or s
end

function check.equal(found, wanted, what)
  if found ~= wanted then
    error(string.format("%s: found %s, wanted %s", what or "value", shown(found), shown(wanted)), 2)
  end
end

function check.match(found, pattern)
  if type(found) ~= "string" or not found:find(pattern) then
    error(string.format("found %s, wanted something with %s", shown(found), shown(pattern)), 2)
  end
end

return check
