-- The frames of the bridge as strings: docs/formats.md, "The bridge to MAME". Pure functions.
-- A body that cannot be taken apart ends the connection (leave). A value that makes no sense is the caller's to answer.
local leave = require("sinv/leave")

local pack, unpack, format = string.pack, string.unpack, string.format

local protocol = {
  VERSION = 1,
  MAGIC = "SINV",
  HEADER_BYTES = 8,
  MAX_BODY_BYTES = 1 << 20,
  COMPRESS_FROM_BYTES = 512,
  MAX_STEP_FRAMES = 64,
  MAX_STEP_PAIRS = 64,
  ANSWER = 0x80,
}

local kinds = {
  HELLO = 0x01, STEP = 0x02, RULE = 0x03, READ = 0x04, WRITE = 0x05, POWER_ON = 0x06, SOFT_RESET = 0x07,
  STATE_SAVE = 0x08, STATE_LOAD = 0x09, TEXT = 0x0A, THROTTLE = 0x0B, CONSOLE = 0x0C, DEBUG = 0x0D,
  STATISTICS = 0x0E, PING = 0x0F, QUIT = 0x10,
  REFUSED = 0x7F, WELCOME = 0x81, SLEEPING = 0xF0, ALIVE = 0xF1, FAILED = 0xFF,
}
protocol.kinds = kinds

local names = {}
for name, kind in pairs(kinds) do
  names[kind] = name
end

function protocol.name(kind)
  return names[kind] or format("type %02X", kind)
end

function protocol.text(s)
  if #s > 0xFFFF then
    s = s:sub(1, 0xFFFF)
  end
  return pack("<s2", s)
end

-- Unpacks and leaves with the frame's name when the body is too short, or too long without `open`.
local function take(name, layout, body, at, open)
  local fields = table.pack(pcall(unpack, layout, body, at))
  if not fields[1] then
    leave("%s of %d bytes is too short", name, #body)
  end
  if not open and fields[fields.n] ~= #body + 1 then
    leave("%s of %d bytes, %d of them unused", name, #body, #body + 1 - fields[fields.n])
  end
  return table.unpack(fields, 2, fields.n)
end

-- who: instance, token, plugin_version, mame_version, game, rom_crc, ram_address, ram_bytes, work_bytes, state_bytes,
-- buttons (names in the order of their bits).
function protocol.hello(who)
  local parts = {
    protocol.MAGIC, pack("<I2I2", protocol.VERSION, 0), protocol.text(who.instance), protocol.text(who.token),
    protocol.text(who.plugin_version), protocol.text(who.mame_version), protocol.text(who.game),
    pack("<I4I2I2I2I4B", who.rom_crc, who.ram_address, who.ram_bytes, who.work_bytes, who.state_bytes, #who.buttons),
  }
  for _, button in ipairs(who.buttons) do
    parts[#parts + 1] = protocol.text(button)
  end
  return table.concat(parts)
end

-- The engine's first frame: true when it lets us compress. Leaves when we are refused or do not understand each other.
function protocol.welcome(kind, body)
  if kind == kinds.REFUSED then
    leave("the engine refuses this MAME: %s", (take("REFUSED", "<s2", body)))
  end
  if kind ~= kinds.WELCOME then
    leave("a frame of type %02X came, wanted WELCOME (81) or REFUSED (7F)", kind)
  end
  local magic, version, options, zero = take("WELCOME", "<c4I2BB", body)
  if magic ~= protocol.MAGIC then
    leave("WELCOME begins with %q, wanted %q: is this sinv_engine?", magic, protocol.MAGIC)
  end
  if version ~= protocol.VERSION then
    leave("the engine speaks version %d of the bridge, this plugin version %d", version, protocol.VERSION)
  end
  if options > 1 or zero ~= 0 then
    leave("WELCOME carries options %d and %d that this plugin does not know", options, zero)
  end
  return options == 1
end

-- { frames, pictures, press, stop, n, held = { ... }, ready = { ... } }
function protocol.step(body)
  local frames, pictures, press, stop, n, at = take("STEP", "<I2BBBB", body, 1, true)
  if #body ~= 6 + 2 * n then
    leave("STEP of %d bytes, wanted %d for %d pairs of buttons", #body, 6 + 2 * n, n)
  end
  local held, ready = {}, {}
  for i = 1, n do
    held[i], ready[i], at = unpack("BB", body, at)
  end
  return { frames = frames, pictures = pictures, press = press, stop = stop, n = n, held = held, ready = ready }
end

-- id, { { group, mask, address, value, equal } ... }
function protocol.rule(body)
  local id, n, at = take("RULE", "BB", body, 1, true)
  if #body ~= 2 + 6 * n then
    leave("RULE of %d bytes, wanted %d for %d tests", #body, 2 + 6 * n, n)
  end
  local tests = {}
  for i = 1, n do
    local test = {}
    test.group, test.mask, test.address, test.value, test.equal, at = unpack("<BBI2BB", body, at)
    tests[i] = test
  end
  return id, tests
end

-- { { address, bytes } ... }
function protocol.read(body)
  local n, at = take("READ", "B", body, 1, true)
  if #body ~= 1 + 4 * n then
    leave("READ of %d bytes, wanted %d for %d ranges", #body, 1 + 4 * n, n)
  end
  local ranges = {}
  for i = 1, n do
    local address, bytes, next_at = unpack("<I2I2", body, at)
    ranges[i], at = { address = address, bytes = bytes }, next_at
  end
  return ranges
end

-- address, the bytes
function protocol.write(body)
  local address, at = take("WRITE", "<I2", body, 1, true)
  return address, body:sub(at)
end

-- frame counter, the state
function protocol.state(body)
  local frame, at = take("STATE_LOAD", "<I4", body, 1, true)
  return frame, body:sub(at)
end

-- { { x, y, colour, text } ... }
function protocol.texts(body)
  local n, at = take("TEXT", "B", body, 1, true)
  local texts = {}
  for i = 1, n do
    local x, y, colour, text
    x, y, colour, text, at = take("TEXT", "<i2i2I4s2", body, at, true)
    texts[i] = { x = x, y = y, colour = colour, text = text }
  end
  if at ~= #body + 1 then
    leave("TEXT of %d bytes, %d of them unused", #body, #body + 1 - at)
  end
  return texts
end

-- 1 or 0, rate in thousandths
function protocol.throttle(body)
  local on, rate = take("THROTTLE", "<BI4", body)
  return on, rate
end

function protocol.debug(body)
  return (take("DEBUG", "B", body))
end

function protocol.empty(name, body)
  take(name, "", body)
end

function protocol.step_reply_head(frame, frames_run, stopped, pictures)
  return pack("<I4I2BB", frame & 0xFFFFFFFF, frames_run, stopped and 1 or 0, pictures)
end

function protocol.state_reply(frame, state)
  return pack("<I4", frame & 0xFFFFFFFF) .. state
end

-- counts: six integers in the order of the protocol.
function protocol.statistics_reply(counts)
  return pack("<I8I8I8I8I8I8", table.unpack(counts))
end

function protocol.failed(kind, why)
  return pack("B", kind) .. protocol.text(why)
end

return protocol
