local check = require("check")
local engine_side = require("engine_side")
local fake = require("fake_mame")
local fake_zlib = require("fake_zlib")

-- What MAME prints when the engine, once it has welcomed the plugin, sends these bytes.
local function ends_with(bytes, pattern, options)
  options = options or {}
  options.script = function(socket)
    local engine = engine_side.new(socket)
    engine.welcome()
    engine.step(1, 0)
    socket.push(bytes)
    while true do
      coroutine.yield()
    end
  end
  local log = fake.run(options)
  check.match(table.concat(log.printed, "\n"), pattern)
  check.equal(log.exited, true)
  assert(not log.printed[1]:find("traceback"), log.printed[1])
end

check.test("frames that the protocol does not have end MAME", function()
  local frame = engine_side.frame
  ends_with(frame(0x11, 1, ""), "type 11 that no request has")
  ends_with(frame(0x82, 1, ""), "type 82 that no request has")
  ends_with(frame(15, 1, "", 2), "PING carries flags 02")
  ends_with(frame(15, 1, "x"), "PING of 1 bytes, 1 of them unused")
  ends_with(frame(2, 1, "\1\0\0\0\0\1\0"), "STEP of 7 bytes, wanted 8 for 1 pairs")
  ends_with(string.pack("<I4BBI2", (1 << 20) + 1, 5, 0, 1), "WRITE announces 1048577 bytes, the most is 1048576")
end)

check.test("compressed frames that are none, too long or not whole end MAME", function()
  local function squeezed(stream)
    return engine_side.frame(5, 1, stream, 1)
  end
  ends_with(squeezed("nonsense"), "no zlib stream")
  ends_with(squeezed(fake_zlib.stream("bomb", (1 << 20) + 1)), "holds more than 1048576 bytes")
  ends_with(squeezed(fake_zlib.stream("abc"):sub(1, -2)), "ends too early")
  ends_with(squeezed(fake_zlib.stream("abc") .. "x"), "goes on 1 bytes behind its end")
end)

check.test("the largest frame is taken whole from short reads", function()
  local log = fake.run({ short = true, script = function(socket)
    local engine = engine_side.new(socket)
    engine.welcome()
    local answer, why = engine.ask(9, ("x"):rep(1 << 20))
    assert(not answer)
    check.match(why, "a state of 1048572 bytes")
    engine.quit()
  end })
  assert(log.finished)
end)

check.test("requests that arrive together are answered in order", function()
  local log = fake.run({ script = function(socket)
    local engine = engine_side.new(socket)
    engine.welcome()
    socket.push(engine_side.frame(15, 7, "") .. engine_side.frame(15, 8, "") .. engine_side.frame(5, 9, "\0\32abc"))
    for sequence = 7, 9 do
      local _, found = engine.receive()
      check.equal(found, sequence)
    end
    engine.quit()
  end })
  assert(log.finished)
end)

check.test("a frame that stops half-way ends MAME after 10 s", function()
  ends_with("\1\0\0", "a frame of 8 bytes stopped after 3", { ticks_per_second = 100 })
end)

-- An engine that keeps the plugin waiting: idle yields before each request.
local function doze(idle, requests, engine)
  for _ = 1, requests do
    for _ = 1, idle do
      coroutine.yield()
    end
    check.equal(engine.ask(15), "")
  end
end

check.test("with a doorbell: exactly one SLEEPING for each byte that is read", function()
  local rung, sleeping = 0, 0
  local log = fake.run({
    env = { SINV_MAME_ADDRESS = "x", SINV_MAME_DOORBELL = "/the/bell" },
    bell = function()
      rung = rung + 1
      return "x"
    end,
    script = function(socket)
      local engine = engine_side.new(socket, function(kind)
        check.equal(kind, 0xF0)
        sleeping = sleeping + 1
      end)
      engine.welcome()
      doze(0, 20, engine)
      local before = #engine.signs
      check.equal(before, 0, "SLEEPING although the request was there")
      doze(500, 5, engine)
      engine.quit()
    end,
  })
  assert(log.finished)
  assert(sleeping >= 5, "it never slept")
  check.equal(sleeping, rung)
end)

check.test("a doorbell that ends, ends MAME", function()
  local log = fake.run({
    env = { SINV_MAME_ADDRESS = "x", SINV_MAME_DOORBELL = "/the/bell" },
    bell = function() return nil end,
    script = function(socket)
      engine_side.new(socket).welcome()
      while true do
        coroutine.yield()
      end
    end,
  })
  check.equal(log.printed[1], "sinv: the engine is gone")
  check.equal(log.bell_reads, 1)
end)

check.test("a doorbell that cannot be opened is said and ends MAME", function()
  local log = fake.run({ env = { SINV_MAME_ADDRESS = "x", SINV_MAME_DOORBELL = "" }, script = function(socket)
    local engine = engine_side.new(socket)
    engine.welcome()
    engine.quit()
  end })
  assert(log.finished, "an empty path means no doorbell")
end)

check.test("without a doorbell: ALIVE once a second, and its failure ends MAME", function()
  local log = fake.run({ ticks_per_second = 1000, script = function(socket)
    local engine = engine_side.new(socket)
    engine.welcome()
    doze(10000, 1, engine)
    -- 8 polls and one look at the clock make 9 ticks: 10,000 polls are 11,250 ticks, or 11.25 s
    assert(#engine.signs == 11 or #engine.signs == 10, #engine.signs .. " signs of life")
    check.equal(engine.signs[1], 0xF1)
    socket.dies()
    while true do
      coroutine.yield()
    end
  end })
  check.equal(log.printed[1], "sinv: the engine has closed the connection")
  check.equal(log.bell_reads, 0)
end)

check.test("connecting is tried again for 20 s, then given up", function()
  local log = fake.run({ connect_failures = 5, ticks_per_second = 1000, script = function(socket)
    local engine = engine_side.new(socket)
    engine.welcome()
    engine.quit()
  end })
  check.equal(log.opened, 6)
  assert(log.finished)
  log = fake.run({ connect_failures = 1000000, ticks_per_second = 1000, script = function() end })
  check.match(log.printed[1], "nobody answers at domain./test within 20 s: refused")
  assert(log.opened >= 180 and log.opened <= 202, log.opened .. " tries")
end)

check.test("before WELCOME the plugin sends HELLO and nothing else, and gives up after 60 s", function()
  for _, bell in ipairs({ "/the/bell", "" }) do
    local log = fake.run({
      env = { SINV_MAME_ADDRESS = "x", SINV_MAME_DOORBELL = bell },
      ticks_per_second = 1000,
      bell = function() error("the doorbell was read") end,
      script = function(socket)
        local kind = engine_side.new(socket).receive()
        check.equal(kind, 1)
        while true do
          coroutine.yield()
        end
      end,
    })
    check.equal(log.printed[1], "sinv: no WELCOME has come within 60 s")
    check.equal(log.outgoing, "")
  end
end)
