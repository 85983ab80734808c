-- Every golden frame, taken apart by one side and put together by the other: requests are decoded by the plugin and
-- encoded by engine_side, answers the other way round.
local check = require("check")
local engine_side = require("engine_side")
local fake_zlib = require("fake_zlib")
local leave = require("sinv/leave")
local protocol = require("sinv/protocol")

local golden, names = {}, {}
for line in io.lines(check.root .. "/tests/golden/mame_protocol.txt") do
  local name, digits = line:match("^(%S+) (%x+)$")
  golden[name] = digits:gsub("%x%x", function(d) return string.char(tonumber(d, 16)) end)
  names[#names + 1] = name
end

local function body_of(name)
  return (select(4, engine_side.split(golden[name])))
end

local function left(call, ...)
  local ok, problem = pcall(call, ...)
  assert(not ok, "it did not leave")
  assert(leave.is(problem), tostring(problem))
  return tostring(problem)
end

-- By name of a golden frame: its body made anew from what was decoded.
local again = {}

function again.hello(body)
  local _, version, zero, instance, token, plugin, mame, game, crc, address, ram, work, state, n, at =
    string.unpack("<c4I2I2s2s2s2s2s2I4I2I2I2I4B", body)
  assert(version == 1 and zero == 0)
  local buttons = {}
  for i = 1, n do
    buttons[i], at = string.unpack("<s2", body, at)
  end
  return protocol.hello({ instance = instance, token = token, plugin_version = plugin, mame_version = mame, game = game,
    rom_crc = crc, ram_address = address, ram_bytes = ram, work_bytes = work, state_bytes = state, buttons = buttons })
end

function again.welcome(body)
  return "SINV" .. string.pack("<I2BB", 1, protocol.welcome(0x81, body) and 1 or 0, 0)
end

function again.refused(body)
  local why = left(protocol.welcome, 0x7F, body):match("refuses this MAME: (.*)")
  return string.pack("<s2", why)
end

function again.step(body)
  local plan, pairs_ = protocol.step(body), {}
  for i = 1, plan.n do
    pairs_[i] = { plan.held[i], plan.ready[i] }
  end
  return engine_side.step_body(plan.frames, plan.pictures, plan.press, plan.stop, pairs_)
end

function again.step_reply(body)
  local reply = engine_side.step_reply(body)
  return protocol.step_reply_head(reply.frame, reply.run, reply.stopped == 1, #reply.pictures) .. table.concat(reply.works)
    .. table.concat(reply.pictures)
end

function again.step_reply_zlib(stream)
  -- docs/formats.md: frame 1004, one frame run, no stop, no picture; the work RAM is the first of step_reply
  local content = protocol.step_reply_head(1004, 1, false, 0) .. engine_side.step_reply(body_of("step_reply")).works[1]
  fake_zlib.golden = { content = content, stream = stream }
  local bytes = require("sinv/squeeze").deflate(content)
  fake_zlib.golden = nil
  return bytes
end

function again.rule(body)
  local id, tests = protocol.rule(body)
  for i, t in ipairs(tests) do
    tests[i] = { t.group, t.mask, t.address, t.value, t.equal }
  end
  return engine_side.rule_body(id, tests)
end

function again.read(body)
  local ranges = protocol.read(body)
  local out = string.pack("B", #ranges)
  for _, range in ipairs(ranges) do
    out = out .. string.pack("<I2I2", range.address, range.bytes)
  end
  return out
end

function again.write(body)
  local address, bytes = protocol.write(body)
  return string.pack("<I2", address) .. bytes
end

function again.state_save_reply(body)
  local frame, at = string.unpack("<I4", body)
  return protocol.state_reply(frame, body:sub(at))
end

function again.state_load(body)
  local frame, state = protocol.state(body)
  return string.pack("<I4", frame) .. state
end

function again.text(body)
  local texts = protocol.texts(body)
  local out = string.pack("B", #texts)
  for _, t in ipairs(texts) do
    out = out .. string.pack("<i2i2I4s2", t.x, t.y, t.colour, t.text)
  end
  return out
end

function again.throttle(body)
  return string.pack("<BI4", protocol.throttle(body))
end

function again.debug(body)
  return string.pack("B", protocol.debug(body))
end

function again.statistics_reply(body)
  return protocol.statistics_reply({ string.unpack("<I8I8I8I8I8I8", body) })
end

function again.failed(body)
  return protocol.failed(string.unpack("<Bs2", body))
end

-- Bodies that nobody takes apart: bytes as they are, or none.
for _, name in ipairs({ "read_reply", "console", "console_reply" }) do
  again[name] = function(body) return body end
end
for _, name in ipairs({ "rule_reply", "write_reply", "power_on", "soft_reset", "state_save", "statistics", "ping", "quit",
  "sleeping", "alive" }) do
  again[name] = function(body)
    protocol.empty(name, body)
    return ""
  end
end

-- The type's name in protocol.kinds, where it is not the golden frame's.
local request_of = { step_reply_zlib = "STEP", failed = "FAILED" }

for _, name in ipairs(names) do
  check.test("golden frame " .. name, function()
    local kind, flags, sequence, body = engine_side.split(golden[name])
    local request = request_of[name] or name:gsub("_reply$", ""):upper()
    local wanted = protocol.kinds[request] + (name:find("_reply") and protocol.ANSWER or 0)
    check.equal(kind, wanted, "type")
    check.equal(flags, name == "step_reply_zlib" and 1 or 0, "flags")
    check.equal(engine_side.frame(wanted, sequence, again[name](body), flags), golden[name], "bytes")
  end)
end

check.test("a body cut short or with a byte more ends the connection", function()
  local decoders = { step = protocol.step, rule = protocol.rule, read = protocol.read, text = protocol.texts,
    throttle = protocol.throttle, debug = protocol.debug }
  for name, decode in pairs(decoders) do
    local body = body_of(name)
    for length = 0, #body - 1 do
      check.match(left(decode, body:sub(1, length)), name:upper() .. " of ")
    end
    check.match(left(decode, body .. "\0"), name:upper() .. " of ")
  end
  check.match(left(protocol.write, "\0"), "WRITE of 1 bytes is too short")
  check.match(left(protocol.state, "\0\0\0"), "STATE_LOAD of 3 bytes is too short")
  check.match(left(protocol.empty, "PING", "x"), "PING of 1 bytes, 1 of them unused")
end)

check.test("WELCOME with another magic, version or options ends the connection", function()
  local good = body_of("welcome")
  check.match(left(protocol.welcome, 0x81, "SINW" .. good:sub(5)), 'begins with "SINW"')
  check.match(left(protocol.welcome, 0x81, "SINV\2\0\0\0"), "version 2 of the bridge, this plugin version 1")
  check.match(left(protocol.welcome, 0x81, "SINV\1\0\2\0"), "options 2 and 0")
  check.match(left(protocol.welcome, 0x81, "SINV\1\0\0\1"), "options 0 and 1")
  check.match(left(protocol.welcome, 0x82, good), "type 82 came")
  check.match(left(protocol.welcome, 0x81, good .. "x"), "1 of them unused")
end)
