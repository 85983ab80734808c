-- What the bridge counts about itself.
local statistics = {}

local Counts = {}
Counts.__index = Counts

-- The numbers of STATISTICS, in its order.
function Counts:list()
  local waited_us = math.floor(self.ticks_waited * 1e6 / emu.osd_ticks_per_second())
  return { self.requests, self.frames, self.bytes_in, self.bytes_out, self.polls, waited_us }
end

function Counts:line()
  local words = {}
  for i, name in ipairs({ "requests", "frames", "bytes_received", "bytes_sent", "polls", "waited_us" }) do
    words[i] = string.format("%s=%d", name, self:list()[i])
  end
  return table.concat(words, " ")
end

function statistics.new()
  return setmetatable({ requests = 0, frames = 0, bytes_in = 0, bytes_out = 0, polls = 0, ticks_waited = 0 }, Counts)
end

return statistics
