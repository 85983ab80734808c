-- SINV_MAME_MODE=text: the protocol of lines as a client of the replaced system speaks it: batches that end with a
-- line `__end__`, each answered by one zlib stream.
local console = require("sinv/console")
local leave = require("sinv/leave")
local squeeze = require("sinv/squeeze")

local text_mode = {}

local READ_BYTES = 512 -- see link.lua
local LONGEST_BATCH = 1 << 20
-- These lines know no sign of life, and MAME cannot see that the other side has closed.
local SILENCE_SECONDS = 600

-- silence_seconds: for tests.
function text_mode.new(file, flow, machine, counts, silence_seconds)
  if not squeeze.available then
    leave("this MAME has no zlib, which the answers of the text mode need")
  end
  local self = {}
  local commands = console.new(flow, machine, counts)
  local received = ""
  local most_ticks = (silence_seconds or SILENCE_SECONDS) * emu.osd_ticks_per_second()

  local function take_batch()
    local first, last = ("\n" .. received):find("\n__end__\r?\n")
    if first then
      local text = received:sub(1, first - 1)
      received = received:sub(last)
      return text
    end
  end

  local function receive()
    local began = emu.osd_ticks()
    while true do
      local text = take_batch()
      if text then
        counts.ticks_waited = counts.ticks_waited + (emu.osd_ticks() - began)
        return text
      end
      local bytes = file:read(READ_BYTES)
      while bytes == "" do
        counts.polls = counts.polls + 1
        if emu.osd_ticks() - began > most_ticks then
          leave("no batch of lines has come for %d s", most_ticks // emu.osd_ticks_per_second())
        end
        bytes = file:read(READ_BYTES)
      end
      received = received .. bytes
      counts.bytes_in = counts.bytes_in + #bytes
      if #received > LONGEST_BATCH then
        leave("%d bytes have come without a line __end__", #received)
      end
    end
  end

  local function send(text)
    local bytes = squeeze.deflate(text)
    local sent = 0
    while sent < #bytes do
      local more = file:write(bytes:sub(sent + 1))
      if more <= 0 then
        leave("the client has closed the connection")
      end
      sent = sent + more
    end
    counts.bytes_out = counts.bytes_out + #bytes
  end

  -- Answers batches until one wants frames run.
  function self.serve()
    repeat
      local text = receive()
      counts.requests = counts.requests + 1
    until commands.run(console.lines(text), send)
  end

  return self
end

return text_mode
