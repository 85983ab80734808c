local check = require("check")
local rules = require("sinv/rules")

-- The definition, read off docs/formats.md with a loop.
local function holds(tests, ram)
  local at = 1
  while at <= #tests do
    local group, all = tests[at].group, true
    while at <= #tests and tests[at].group == group do
      local t = tests[at]
      local same = (ram:byte(t.address - 0x2000 + 1) & t.mask) == t.value
      all = all and same == (t.equal == 1)
      at = at + 1
    end
    if all then
      return true
    end
  end
  return false
end

check.test("random rules hold as their definition says", function()
  math.randomseed(11)
  local yes = 0
  for _ = 1, 2000 do
    local tests, group = {}, 0
    for i = 1, math.random(0, 6) do
      group = group + math.random(0, 1) * (i > 1 and 1 or 0)
      tests[i] = { group = group, mask = math.random(0, 3), address = 0x2000 + math.random(0, 3), value = math.random(0, 2),
        equal = math.random(0, 1) }
    end
    local rule = assert(rules.compile(tests, 0x2000, 0x400))
    for _ = 1, 10 do
      local ram = string.char(math.random(0, 3), math.random(0, 3), math.random(0, 3), math.random(0, 3))
      check.equal(rule(ram), holds(tests, ram), "rule")
      yes = yes + (holds(tests, ram) and 1 or 0)
    end
  end
  assert(yes > 3000 and yes < 17000, "the rules all hold or all fail")
end)

check.test("a rule of 255 tests compiles", function()
  local tests = {}
  for i = 1, 255 do
    tests[i] = { group = i, mask = 255, address = 0x23FF, value = i, equal = 1 }
  end
  local rule = assert(rules.compile(tests, 0x2000, 0x400))
  check.equal(rule(("\0"):rep(1024)), false)
  check.equal(rule(("\0"):rep(1023) .. "\xFF"), true)
end)

check.test("rules that cannot be are refused with a sentence", function()
  local function why(...)
    local rule, problem = rules.compile({ ... }, 0x2000, 0x400)
    assert(not rule)
    return problem
  end
  local function at(group, address, equal)
    return { group = group, mask = 1, address = address, value = 0, equal = equal or 1 }
  end
  check.match(why(at(0, 0x2400)), "address 2400 is not in work RAM")
  check.match(why(at(0, 0x1FFF)), "address 1FFF is not in work RAM")
  check.match(why(at(0, 0x2000, 2)), "2 stands where 1")
  check.match(why(at(0, 0x2000), at(1, 0x2000), at(0, 0x2000)), "group 0 do not stand side by side")
end)
