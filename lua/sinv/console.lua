-- The commands of the text protocol (docs/formats.md, "The protocol of lines"), one entry of a table each.
local console = {}

-- The lines of a batch, without line ends.
function console.lines(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    line = line:gsub("\r$", "")
    if line:find("%S") then
      lines[#lines + 1] = line
    end
  end
  return lines
end

local ACK = "ACK"

-- Refuses a command with a sentence; caught by answer_of().
local Refusal = {}
local function refuse(why, ...)
  error(setmetatable({ why = string.format(why, ...) }, Refusal), 0)
end

local function address_of(digits, bytes)
  local address = tonumber(digits, 16)
  if not address or address + bytes > 0x10000 then
    refuse("%s is not an address (0000 to FFFF) with %d bytes behind it", digits, bytes)
  end
  return address
end

local function hex(bytes)
  return (bytes:gsub(".", function(c)
    return string.format("%02X", c:byte())
  end))
end

function console.new(flow, machine, counts)
  local self = {}
  local frames_per_step, pressed, debug_on = 1, 0, false
  local executed -- in this batch

  local bits = {} -- of execute's names
  local input_names = {}
  for i, button in ipairs(machine.game.buttons) do
    for _, name in ipairs(button.console) do
      bits[name] = 1 << (i - 1)
      input_names[#input_names + 1] = name
    end
  end

  local function run_frames(n)
    machine.press(pressed)
    coroutine.yield("frames", n)
  end

  -- By name: function of the words or brackets behind it, to one line of answer.
  local commands = {}

  function commands.read_memory(rest)
    local digits = rest:match("^(%x+)$") or refuse("read_memory ADDRESS, in hexadecimal digits")
    return hex(machine.read(address_of(digits, 1), 1))
  end

  function commands.read_memory_range(rest)
    local digits, count = rest:match("^(%x+)%s*%(%s*(%d+)%s*%)$")
    if not digits or tonumber(count) < 1 then
      refuse("read_memory_range ADDRESS(BYTES)")
    end
    local bytes = tonumber(count)
    return hex(machine.read(address_of(digits, bytes), bytes))
  end

  function commands.write_memory(rest)
    local digits, value = rest:match("^(%x+)%s*%(%s*(%d+)%s*%)$")
    if not digits or tonumber(value) > 255 then
      refuse("write_memory ADDRESS(VALUE), value 0 to 255")
    end
    local address = address_of(digits, 1)
    if not machine.is_ram(address, 1) then
      refuse("%s is not in RAM", digits)
    end
    machine.write(address, string.char(tonumber(value)))
    return ACK
  end

  function commands.execute(rest)
    local name, value = rest:match("^([%w_]+)%s*%(%s*([01])%s*%)$")
    if not name then
      refuse("execute NAME(1) or NAME(0)")
    end
    local bit = bits[name] or refuse("no input %s; known: %s", name, table.concat(input_names, " "))
    pressed = value == "1" and pressed | bit or pressed & ~bit
    executed = true
    return ACK
  end

  function commands.draw_text(rest)
    if rest:match("^%(%s*%)$") then
      machine.show({})
      return ACK
    end
    local x, y, text = rest:match('^%(%s*(%-?%d+)%s*,%s*(%-?%d+)%s*,%s*"(.*)"%s*%)$')
    if not x then
      refuse('draw_text(X,Y,"TEXT") or draw_text()')
    end
    x, y = tonumber(x), tonumber(y)
    local list = {}
    for _, old in ipairs(machine.texts()) do
      if old.x ~= x or old.y ~= y then -- drawn anew each step, a text must not pile up
        list[#list + 1] = old
      end
    end
    list[#list + 1] = { x = x, y = y, colour = 0xFFFFFFFF, text = text }
    machine.show(list)
    return ACK
  end

  function commands.frame_per_step(rest)
    local n = math.tointeger(tonumber(rest:match("^%d+$")))
    if not n or n < 1 or n > 3600 then
      refuse("frame_per_step FRAMES, 1 to 3600")
    end
    frames_per_step = n
    return ACK
  end

  function commands.run(rest)
    local n = math.tointeger(tonumber(rest:match("^%d+$")))
    if not n or n < 1 or n > 1000000 then
      refuse("run FRAMES, 1 to 1000000")
    end
    run_frames(n)
    return ACK
  end

  function commands.throttled(rest)
    if rest ~= "on" and rest ~= "off" then
      refuse("throttled on or off")
    end
    machine.throttle(rest == "on")
    return ACK
  end

  function commands.throttle_rate(rest)
    local rate = tonumber(rest)
    if not rate or rate < 0.01 or rate > 100 then
      refuse("throttle_rate RATE, 0.01 to 100; 1 is real time")
    end
    machine.throttle(true, rate)
    return ACK
  end

  function commands.debug(rest)
    if rest ~= "on" and rest ~= "off" then
      refuse("debug on or off")
    end
    debug_on = rest == "on"
    return ACK
  end

  local function state_name(rest)
    return rest:match("^[%w_%-]+$") or refuse("a state's name is made of letters, digits, _ and -")
  end

  function commands.save_state(rest)
    machine.save_file(state_name(rest))
    return ACK
  end

  function commands.load_state(rest)
    machine.load_file(state_name(rest))
    flow.stand_at(flow.frame)
    return ACK
  end

  function commands.reset()
    machine.soft_reset()
    return ACK
  end

  function commands.power_on()
    coroutine.yield("power_on")
    return ACK
  end

  -- For clients that asked the old script to wait for them: this plugin always does.
  function commands.wait_for()
    return ACK
  end

  function commands.statistics()
    return counts:line()
  end

  function commands.frame()
    return tostring(flow.frame)
  end

  function commands.inputs()
    return table.concat(input_names, " ")
  end

  local command_names = {}
  for name in pairs(commands) do
    command_names[#command_names + 1] = name
  end
  commands.help = function()
    return table.concat(command_names, " ")
  end
  command_names[#command_names + 1] = "help"
  table.sort(command_names)

  local function answer_of(line)
    local name, rest = line:match("^%s*([%a_]+)%s*(.-)%s*$")
    local command = commands[name]
    if not command then
      return string.format("ERR no command %s; known: %s", name or line, table.concat(command_names, " "))
    end
    local ok, answer = pcall(command, rest)
    if ok then
      return answer
    elseif getmetatable(answer) == Refusal then
      return "ERR " .. answer.why
    end
    error(answer, 0)
  end

  local function batch(lines)
    local answers = {}
    executed = false
    for i, line in ipairs(lines) do
      answers[i] = answer_of(line)
      if debug_on then
        print(string.format("sinv: frame %d: %s -> %s", flow.frame, line, answers[i]))
      end
    end
    if executed then
      run_frames(frames_per_step)
    end
    return table.concat(answers, "\n")
  end

  -- Carries out the lines, over frames and power-ons where they want them, then calls finish(answers).
  -- Returns true when the emulation must go on before that; flow calls serve() when it is done.
  function self.run(lines, finish)
    local thread = coroutine.create(batch)
    local function go()
      local ok, what, n = coroutine.resume(thread, lines)
      if not ok then
        error(type(what) == "string" and debug.traceback(thread, what) or what, 0)
      end
      if coroutine.status(thread) == "dead" then
        finish(what)
        return true
      elseif what == "frames" then
        flow.after_frames(n, go)
      else
        pressed = 0
        flow.after_power_on(go)
      end
      return false
    end
    return not go()
  end

  return self
end

return console
