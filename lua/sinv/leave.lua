-- Ends the bridge, and MAME with it, from any depth: raises what the callback boundary in plugin.lua catches.
-- The reason is printed as it is; any other error is a fault of the plugin and printed with a traceback.
local Leave = {}
Leave.__index = Leave
Leave.__tostring = function(self)
  return self.reason
end

return setmetatable({
  is = function(value)
    return getmetatable(value) == Leave
  end,
}, {
  __call = function(_, reason, ...)
    error(setmetatable({ reason = string.format(reason, ...) }, Leave), 0)
  end,
})
