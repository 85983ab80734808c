-- Rules about work RAM: made once by RULE, asked after every frame.
local rules = {}

-- tests: { group, mask, address, value, equal } in order. Returns a function of the RAM string (its first byte lies
-- at `base`), or nil and why. The rule holds when all tests of any one group hold; without tests it never holds.
-- Compiled to one Lua expression: a rule is asked in every frame, and this is 4 times as fast as a loop over tests.
function rules.compile(tests, base, bytes)
  local groups, seen, last = {}, {}, nil
  for _, test in ipairs(tests) do
    if test.address < base or test.address >= base + bytes then
      return nil, string.format("address %04X is not in work RAM (%04X to %04X)", test.address, base, base + bytes - 1)
    end
    if test.equal > 1 then
      return nil, string.format("%d stands where 1 (equal) or 0 (not equal) is wanted", test.equal)
    end
    if test.group ~= last then
      if seen[test.group] then
        return nil, string.format("the tests of group %d do not stand side by side", test.group)
      end
      seen[test.group], last = true, test.group
      groups[#groups + 1] = {}
    end
    local group = groups[#groups]
    group[#group + 1] = string.format("byte(s, %d) & %d %s %d", test.address - base + 1, test.mask,
      test.equal == 1 and "==" or "~=", test.value)
  end
  for i, group in ipairs(groups) do
    groups[i] = "(" .. table.concat(group, " and ") .. ")"
  end
  local expression = #groups > 0 and table.concat(groups, " or ") or "false"
  return load("local byte = string.byte return function(s) return " .. expression .. " end", "=rule")()
end

return rules
