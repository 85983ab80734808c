-- The connection to the engine: whole frames in and out over MAME's emu.file, and waiting without burning a core.
-- Everything here runs inside a callback of MAME: while it waits, the emulation stands still.
local leave = require("sinv/leave")
local protocol = require("sinv/protocol")
local squeeze = require("sinv/squeeze")

local pack, unpack, sub = string.pack, string.unpack, string.sub
local HEADER, HEADER_BYTES = "<I4BBI2", protocol.HEADER_BYTES

local link = {}

-- One read asks for this much: more than half of the 512 bytes that MAME reads ahead, so that nothing stays in MAME's
-- buffer, which a write throws away. A poll that finds nothing costs 1.7 us.
local READ_BYTES = 512
local CONNECT_SECONDS, CONNECT_EVERY_SECONDS = 20, 0.1
-- A request mostly follows the answer within this time; a doorbell costs two switches of process, about 20 us.
local SPIN_SECONDS = 150e-6
local ALIVE_SECONDS = 1
local WELCOME_SECONDS = 60
local POLLS_BETWEEN_CLOCKS = 8

-- Tries for 20 s, then leaves. Returns MAME's file.
function link.connect(address)
  local per_second = emu.osd_ticks_per_second()
  local began = emu.osd_ticks()
  local problem
  repeat
    local file = emu.file("rw")
    problem = file:open(address)
    if problem == nil then
      return file
    end
    local tried = emu.osd_ticks()
    while emu.osd_ticks() - tried < CONNECT_EVERY_SECONDS * per_second do -- luacheck: ignore 542
    end
  until emu.osd_ticks() - began > CONNECT_SECONDS * per_second
  leave("nobody answers at %s within %d s: %s", address, CONNECT_SECONDS, tostring(problem))
end

-- file: what connect() returned. doorbell: path of a FIFO, or nil. counts: table whose fields bytes_in, bytes_out,
-- polls and ticks_waited go up.
-- spin_us: how long the socket is asked before the doorbell, or nil; 0 when the engine shares MAME's processor.
-- `welcomed` and `compress` of what it returns are the session's to set.
function link.new(file, doorbell, counts, spin_us)
  local self = { compress = false, welcomed = false }
  local osd_ticks, per_second = emu.osd_ticks, emu.osd_ticks_per_second()
  local spin_ticks = (spin_us and spin_us * 1e-6 or SPIN_SECONDS) * per_second
  local alive_ticks = ALIVE_SECONDS * per_second
  local polls_between_clocks = spin_us == 0 and 1 or POLLS_BETWEEN_CLOCKS
  local file_read, file_write = file.read, file.write
  local rest = "" -- received behind the last frame that was handed out

  local bell
  if doorbell and doorbell ~= "" then
    local problem
    bell, problem = io.open(doorbell, "rb")
    if not bell then
      leave("the doorbell cannot be opened: %s", problem)
    end
    bell:setvbuf("no")
  end

  local function write_all(bytes)
    local sent = file_write(file, bytes)
    while sent < #bytes do
      local more = file_write(file, sub(bytes, sent + 1))
      if more <= 0 then
        leave("the engine has closed the connection")
      end
      sent = sent + more
    end
    counts.bytes_out = counts.bytes_out + #bytes
  end

  local alive_sent = osd_ticks()

  -- To be called again and again while somebody has paused MAME: the answer will come, but later.
  function self.sign_of_life()
    local now = osd_ticks()
    if self.welcomed and now - alive_sent > alive_ticks then
      write_all(pack(HEADER, 0, protocol.kinds.ALIVE, 0, 0))
      alive_sent = now
    end
  end

  -- Waits for bytes of a new frame. Between frames only, so that SLEEPING and ALIVE find an empty read buffer.
  local function wait()
    local began = osd_ticks()
    local spun_from, alive_from = began, began
    while true do
      for _ = 1, polls_between_clocks do
        local bytes = file_read(file, READ_BYTES)
        if bytes ~= "" then
          counts.ticks_waited = counts.ticks_waited + (osd_ticks() - began)
          return bytes
        end
        counts.polls = counts.polls + 1
      end
      local now = osd_ticks()
      if not self.welcomed then
        -- HELLO is all that may be sent yet, so a death of the engine cannot be seen.
        if now - began > WELCOME_SECONDS * per_second then
          leave("no WELCOME has come within %d s", WELCOME_SECONDS)
        end
      elseif bell then
        if now - spun_from >= spin_ticks then
          write_all(pack(HEADER, 0, protocol.kinds.SLEEPING, 0, 0))
          if not bell:read(1) then
            leave("the engine is gone")
          end
          spun_from = osd_ticks()
        end
      elseif now - alive_from > alive_ticks then
        write_all(pack(HEADER, 0, protocol.kinds.ALIVE, 0, 0))
        alive_from = now
      end
    end
  end

  -- The rest of a frame that has begun to come. An engine that stops within a frame for 10 s is gone.
  local function read_on(have, wanted)
    local parts, bytes, began = { have }, #have, nil
    while bytes < wanted do
      local more = file_read(file, READ_BYTES)
      if more == "" then
        began = began or osd_ticks()
        if osd_ticks() - began > 10 * per_second then
          leave("a frame of %d bytes stopped after %d", wanted, bytes)
        end
      else
        parts[#parts + 1], bytes, began = more, bytes + #more, nil
      end
    end
    return table.concat(parts)
  end

  -- The next frame: type, sequence, body (inflated). Blocks.
  function self.receive()
    local bytes = rest
    if bytes == "" then
      bytes = file_read(file, READ_BYTES)
      if bytes == "" then
        counts.polls = counts.polls + 1
        bytes = wait()
      end
    end
    if #bytes < HEADER_BYTES then
      bytes = read_on(bytes, HEADER_BYTES)
    end
    local length, kind, flags, sequence = unpack(HEADER, bytes)
    if length > protocol.MAX_BODY_BYTES then
      leave("%s announces %d bytes, the most is %d", protocol.name(kind), length, protocol.MAX_BODY_BYTES)
    end
    local wanted = HEADER_BYTES + length
    if #bytes < wanted then
      bytes = read_on(bytes, wanted)
    end
    local body
    if #bytes == wanted then
      body, rest = sub(bytes, HEADER_BYTES + 1), ""
    else
      body, rest = sub(bytes, HEADER_BYTES + 1, wanted), sub(bytes, wanted + 1)
    end
    counts.bytes_in = counts.bytes_in + wanted
    if flags ~= 0 then
      if flags ~= 1 then
        leave("%s carries flags %02X that this plugin does not know", protocol.name(kind), flags)
      end
      body = squeeze.inflate(body, protocol.MAX_BODY_BYTES)
    end
    return kind, sequence, body
  end

  function self.send(kind, sequence, body)
    local flags = 0
    if self.compress and #body >= protocol.COMPRESS_FROM_BYTES then
      body, flags = squeeze.deflate(body), 1
    end
    write_all(pack(HEADER, #body, kind, flags, sequence) .. body)
  end

  -- For an answer that is never compressed elsewhere: head and body in one string saves a copy of 8 KiB.
  function self.send_parts(kind, sequence, head, body)
    if self.compress then
      return self.send(kind, sequence, head .. body)
    end
    write_all(pack(HEADER, #head + #body, kind, 0, sequence) .. head .. body)
  end

  function self.close()
    file, bell, rest = nil, nil, ""
  end

  return self
end

return link
