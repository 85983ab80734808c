-- A MAME made of tables: a small deterministic machine, MAME's callbacks, and a socket whose other end is a test.
-- The test's script is a coroutine: it runs while the plugin waits for bytes, as the engine does.
local fake = {}

local FRAME_SECONDS = 1 / 59.541985

-- One frame of the machine, on a table of 8,192 bytes (index 0 = $2000); mask: buttons seen in this frame.
-- Byte 0 counts frames, byte 1 is the mask, byte 2 random; 3 to 31 and parts of the picture change at random.
function fake.advance(ram, mask)
  ram[0] = (ram[0] + 1) & 255
  ram[1] = mask
  local x = ram[2] | ram[3] << 8 | ram[4] << 16 | ram[5] << 24
  x = (x * 1664525 + 1013904223 + mask * 7919) & 0xFFFFFFFF
  ram[2], ram[3], ram[4], ram[5] = x >> 24 & 255, x >> 16 & 255, x >> 8 & 255, x & 255
  for i = 6, 31 do
    ram[i] = (ram[i] + (x >> (i - 6) & 3)) & 255
  end
  for i = 0, 15 do
    ram[1024 + (x * (i + 3) >> 5) % 7168] = (x >> i) & 255
  end
end

function fake.bytes_of(ram, first, count)
  local out = {}
  for i = 0, count - 1 do
    out[i + 1] = string.char(ram[first + i])
  end
  return table.concat(out)
end

local function new_ram()
  local ram = {}
  for i = 0, 8191 do
    ram[i] = 0
  end
  return ram
end

-- options: script (function(engine), the other end of the socket), env, short (reads and writes of 1 to 7 bytes),
-- connect_failures, save_item (false: no fast RAM), soft_resets ({ [frame] = true }), newer (newer MAME's notifiers),
-- start_screens, frame_limit, text (the other end speaks lines), redraws ({ [frame] = pictures shown again, as by a
-- MAME that somebody has paused }).
-- Returns what happened: printed, exited, starts, hard_resets, sets, drawn, pauses, bell_reads, opened.
function fake.run(options)
  local log = { printed = {}, exited = false, hard_resets = 0, sets = 0, drawn = {}, pauses = 0, bell_reads = 0, opened = 0 }
  local on = {}
  local ticks, time, paused, hard, soft, frames = 0, 0, false, false, false, 0
  local incoming, outgoing = "", ""
  local seed = 7
  local function few(n)
    if not options.short then
      return n
    end
    seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
    return math.min(n, 1 + (seed >> 16) % 7)
  end

  local engine = { log = log }
  local script = coroutine.create(options.script)
  local function pump()
    if coroutine.status(script) == "dead" then
      return
    end
    local ok, problem = coroutine.resume(script, engine)
    if not ok then
      log.failure = log.failure or debug.traceback(script, tostring(problem))
      log.exited = true
      error("the script of the test failed", 0)
    end
  end
  function engine.push(bytes)
    incoming = incoming .. bytes
  end
  function engine.written()
    return outgoing
  end
  function engine.take(n)
    while #outgoing < n do
      coroutine.yield()
    end
    local bytes = outgoing:sub(1, n)
    outgoing = outgoing:sub(n + 1)
    return bytes
  end
  function engine.dies()
    log.dead = true
  end

  local File = {}
  File.__index = File
  function File.open(_, address)
    log.opened = log.opened + 1
    log.address = address
    if log.opened <= (options.connect_failures or 0) then
      return "refused"
    end
    return nil
  end
  function File.read(_, n)
    ticks = ticks + 1
    if incoming == "" then
      pump()
    end
    local bytes = incoming:sub(1, few(n))
    incoming = incoming:sub(#bytes + 1)
    return bytes
  end
  function File.write(_, bytes)
    if log.dead then
      return 0
    end
    bytes = bytes:sub(1, few(#bytes))
    outgoing = outgoing .. bytes
    return #bytes
  end

  local machine, ram, pressed
  local fields = {}
  local Field = {}
  Field.__index = Field
  function Field.set_value(self, value)
    assert(value == 0 or value == 1)
    log.sets = log.sets + 1
    pressed = value == 1 and pressed | self.bit or pressed & ~self.bit
  end
  for i, where in ipairs({ ":IN1/Coin 1", ":IN1/1 Player Start", ":CONTP1/P1 Button 1", ":CONTP1/P1 Left", ":CONTP1/P1 Right",
    ":IN1/2 Players Start" }) do
    local port, name = where:match("(.-)/(.*)")
    fields[port] = fields[port] or { fields = {} }
    fields[port].fields[name] = setmetatable({ bit = 1 << (i - 1) }, Field)
  end

  local function new_machine()
    ram, pressed, paused, time, soft = new_ram(), 0, false, 0, false
    local alive = ram
    local Item = {}
    Item.__index = Item
    function Item.read_block(_, first, count)
      assert(alive == ram, "an item of a machine that is gone")
      return fake.bytes_of(ram, first, count)
    end
    engine.item = setmetatable({}, Item)
    local space = {}
    function space.read_range(_, first, last, width)
      assert(width == 8)
      local out = {}
      for a = first, last do
        out[#out + 1] = string.char(a >= 0x2000 and a < 0x4000 and ram[a - 0x2000] or a & 255)
      end
      return table.concat(out)
    end
    function space.write_u8(_, a, value)
      ram[a - 0x2000] = value
    end
    local items = options.save_item == false and {} or { ["0/:main_ram"] = 1 }
    machine = {
      devices = { [":maincpu"] = { spaces = { program = space }, items = items } },
      ioport = { ports = fields },
      memory = { regions = { [":maincpu"] = { read_u8 = function(_, i) return i * 31 & 255 end } } },
      video = { throttled = false, throttle_rate = 1, frameskip = 10 },
      render = { ui_container = { draw_text = function(_, x, y, text, colour)
        log.drawn[#log.drawn + 1] = { x = x, y = y, text = text, colour = colour, frame = frames }
      end } },
      hard_reset = function() hard = true end,
      soft_reset = function() soft = true end,
      exit = function() log.exited = true end,
      save = function(_, name) log.saved = name end,
      load = function(_, name) log.loaded = name end,
      buffer_save = function()
        assert(paused or time == 0, "a state saved while MAME is in the middle of a timer")
        return string.pack("<I4", frames) .. fake.bytes_of(ram, 0, 8192)
      end,
      buffer_load = function(_, state)
        assert(paused, "a state loaded while MAME is in the middle of a timer")
        if state:sub(-1) == "\xFF" then
          error("State load error.")
        end
        frames = string.unpack("<I4", state)
        time = frames * FRAME_SECONDS
        for i = 0, 8191 do
          ram[i] = state:byte(5 + i)
        end
        return true
      end,
    }
    log.machine = machine
    _G.manager = { machine = machine }
    frames = 0
  end

  local function subscribe(name)
    return function(callback)
      assert(not on[name], name .. " registered twice")
      on[name] = callback
      return options.newer and {} or nil
    end
  end
  _G.emu = {
    osd_ticks = function()
      ticks = ticks + 1
      return ticks
    end,
    osd_ticks_per_second = function() return options.ticks_per_second or 1000000 end,
    time = function() return time end,
    app_version = function() return "0.251" end,
    romname = function() return options.game or "invaders" end,
    item = function(index)
      assert(index == 1)
      return engine.item
    end,
    file = function(mode)
      assert(mode == "rw")
      return setmetatable({}, File)
    end,
    pause = function()
      paused, log.pauses = true, log.pauses + 1
    end,
    unpause = function() paused = false end,
  }
  if options.newer then
    emu.add_machine_frame_notifier = subscribe("frame")
    emu.add_machine_reset_notifier = subscribe("start")
    emu.add_machine_stop_notifier = subscribe("stop")
  else
    emu.register_frame_done = subscribe("frame")
    emu.register_start = subscribe("start")
    emu.register_stop = subscribe("stop")
  end

  local real_print, real_getenv, real_open = print, os.getenv, io.open
  local env = options.env or { SINV_MAME_ADDRESS = "domain./test", SINV_MAME_INSTANCE = "3", SINV_MAME_TOKEN = "secret" }
  print = function(...) log.printed[#log.printed + 1] = table.concat({ ... }, " ") end -- luacheck: ignore 121
  os.getenv = function(name) return env[name] end -- luacheck: ignore 122
  io.open = function(path, mode) -- luacheck: ignore 122
    if path ~= env.SINV_MAME_DOORBELL then
      return real_open(path, mode)
    end
    return {
      setvbuf = function() end,
      read = function()
        log.bell_reads = log.bell_reads + 1
        return options.bell(engine)
      end,
    }
  end

  local ok, problem = pcall(function()
    new_machine()
    dofile(fake.folder .. "/sinv/init.lua").startplugin()
    if on.frame then
      for _ = 1, options.start_screens or 4 do
        on.frame()
        if hard then
          break -- MAME leaves its start screens for that
        end
      end
      if not hard then
        on.start()
      end
    end
    while on.frame and not log.exited do
      if hard then
        hard, log.hard_resets = false, log.hard_resets + 1
        on.stop()
        new_machine()
        on.start()
      elseif paused then
        on.frame()
      else
        if soft or (options.soft_resets and options.soft_resets[frames]) then
          soft, log.soft_resets = false, (log.soft_resets or 0) + 1
          if options.soft_resets then
            options.soft_resets[frames] = nil
          end
          on.start()
        end
        fake.advance(ram, pressed)
        frames, time = frames + 1, (frames + 1) * FRAME_SECONDS
        if frames > (options.frame_limit or 100000) then
          error("the machine runs on and on")
        end
        on.frame()
        for _ = 1, options.redraws and options.redraws[frames] or 0 do
          on.frame()
        end
      end
    end
  end)
  if ok and not log.failure then
    pcall(pump) -- the script reads the last answer
  end
  print, os.getenv, io.open = real_print, real_getenv, real_open -- luacheck: ignore 121 122
  if log.failure then
    error(log.failure .. "\nprinted: " .. table.concat(log.printed, "\n"), 0)
  end
  if not ok then
    error(problem, 0)
  end
  log.outgoing, log.finished = outgoing, coroutine.status(script) == "dead"
  return log
end

return fake
