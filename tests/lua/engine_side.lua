-- The engine's half of the protocol for the tests, written from docs/formats.md; shares nothing with lua/sinv.
local engine_side = {}

local ANSWER = 0x80

function engine_side.frame(kind, sequence, body, flags)
  return string.pack("<I4BBI2", #body, kind, flags or 0, sequence) .. body
end

function engine_side.split(bytes)
  local length, kind, flags, sequence = string.unpack("<I4BBI2", bytes)
  assert(#bytes == 8 + length, "a frame of the wrong length")
  return kind, flags, sequence, bytes:sub(9)
end

function engine_side.step_body(frames, pictures, press, stop, pairs_)
  local body = string.pack("<I2BBBB", frames, pictures, press, stop, #pairs_)
  for _, pair in ipairs(pairs_) do
    body = body .. string.pack("BB", pair[1], pair[2])
  end
  return body
end

-- tests: { group, mask, address, value, equal } by position.
function engine_side.rule_body(id, tests)
  local body = string.pack("BB", id, #tests)
  for _, t in ipairs(tests) do
    body = body .. string.pack("<BBI2BB", table.unpack(t))
  end
  return body
end

-- { frame, run, stopped, works, pictures }
function engine_side.step_reply(body)
  local frame, run, stopped, shown = string.unpack("<I4I2BB", body)
  assert(#body == 8 + run * 1024 + shown * 7168, "a STEP answer of the wrong length")
  local reply = { frame = frame, run = run, stopped = stopped, works = {}, pictures = {} }
  for i = 1, run do
    reply.works[i] = body:sub(9 + (i - 1) * 1024, 8 + i * 1024)
  end
  for i = 1, shown do
    local first = 9 + run * 1024 + (i - 1) * 7168
    reply.pictures[i] = body:sub(first, first + 7167)
  end
  return reply
end

-- Over the socket of fake_mame. on_sign: called with SLEEPING's and ALIVE's types.
function engine_side.new(engine, on_sign)
  local self = { sequence = 0, signs = {} }

  function self.receive()
    while true do
      local head = engine.take(8)
      local length, kind, flags, sequence = string.unpack("<I4BBI2", head)
      local body = engine.take(length)
      if kind ~= 0xF0 and kind ~= 0xF1 then
        return kind, sequence, body, flags
      end
      assert(length == 0 and sequence == 0 and flags == 0)
      self.signs[#self.signs + 1] = kind
      if on_sign then
        on_sign(kind)
      end
    end
  end

  function self.welcome(options)
    local kind, sequence, body = self.receive()
    assert(kind == 1 and sequence == 0, "no HELLO")
    engine.push(engine_side.frame(0x81, 0, "SINV" .. string.pack("<I2BB", 1, options or 0, 0)))
    return body
  end

  function self.send(kind, body, flags)
    self.sequence = self.sequence + 1 & 0xFFFF
    engine.push(engine_side.frame(kind, self.sequence, body or "", flags))
  end

  -- The answer's body, or nil and the sentence of FAILED.
  function self.ask(kind, body, flags)
    self.send(kind, body, flags)
    local answer, sequence, reply, reply_flags = self.receive()
    assert(sequence == self.sequence, "an answer with another sequence")
    self.reply_flags = reply_flags
    if answer == 0xFF then
      local failed, why = string.unpack("<Bs2", reply)
      assert(failed == kind, "FAILED names another request")
      return nil, why
    end
    assert(answer == kind + ANSWER, string.format("type %02X answers %02X", answer, kind))
    return reply
  end

  function self.step(frames, pictures, press, stop, pairs_)
    return engine_side.step_reply(assert(self.ask(2, engine_side.step_body(frames, pictures, press or 0, stop or 0,
      pairs_ or { { 0, 0 } }))))
  end

  function self.quit()
    assert(self.ask(0x10) == "")
  end

  return self
end

return engine_side
