-- A connection with the engine: HELLO and WELCOME, then one request after the other until the next frame must run.
local console = require("sinv/console")
local leave = require("sinv/leave")
local protocol = require("sinv/protocol")
local rules = require("sinv/rules")
local stepper = require("sinv/stepper")

local kinds = protocol.kinds
local STEP, STEP_REPLY = kinds.STEP, kinds.STEP + protocol.ANSWER

local session = {}

-- link, flow, machine: what their new() gave; the machine is attached before greet(). counts: theirs too.
function session.new(link, flow, machine, counts)
  local self = {}
  local game = machine.game
  local steps = stepper.new(machine)
  local commands = console.new(flow, machine, counts)
  local ruled = {} -- compiled rules by id
  local receive, send_parts = link.receive, link.send_parts
  local debug_on, state_bytes = false, 0
  local touched = false -- at frame 0: something has happened to the machine that only a power-on undoes
  local step_body, step_plan, step_sequence -- the last good STEP

  local function answer(kind, sequence, body)
    link.send(kind + protocol.ANSWER, sequence, body or "")
    return false
  end

  local function fail(kind, sequence, why, ...)
    link.send(kinds.FAILED, sequence, protocol.failed(kind, string.format(why, ...)))
    return false
  end

  local function step_frame()
    if not steps.frame() then
      return false
    end
    send_parts(STEP_REPLY, step_sequence, steps.reply(flow.frame))
    return true
  end

  -- What is wrong with a plan, or nil; fills in its rules.
  local function check_plan(plan)
    local all = machine.all_buttons()
    if plan.frames < 1 or plan.frames > protocol.MAX_STEP_FRAMES then
      return string.format("%d frames, wanted 1 to %d", plan.frames, protocol.MAX_STEP_FRAMES)
    elseif plan.pictures > 2 then
      return string.format("%d pictures, wanted 0 to 2", plan.pictures)
    elseif plan.n < 1 or plan.n > protocol.MAX_STEP_PAIRS then
      return string.format("%d pairs of buttons, wanted 1 to %d", plan.n, protocol.MAX_STEP_PAIRS)
    end
    for i = 1, plan.n do
      if (plan.held[i] | plan.ready[i]) & ~all ~= 0 then
        return string.format("buttons %02X with %02X, this game has %02X", plan.held[i], plan.ready[i], all)
      end
    end
    for _, rule in ipairs({ "press", "stop" }) do
      local id = plan[rule]
      if id ~= 0 and not ruled[id] then
        return string.format("the %s rule %d is not known", rule, id)
      end
      plan[rule .. "_rule"] = ruled[id]
    end
  end

  -- True when frames must run now.
  local function begin_step(sequence, body)
    if body ~= step_body then
      local plan = protocol.step(body)
      local problem = check_plan(plan)
      if problem then
        return fail(STEP, sequence, "%s", problem)
      end
      step_body, step_plan = body, plan
    end
    step_sequence = sequence
    steps.begin(step_plan)
    flow.each_frame(step_frame)
    return true
  end

  -- By type: answers and returns false, or returns true when the emulation must go on first. (What is left for flow
  -- to call returns true when it is done.)
  local requests = {}

  requests[kinds.RULE] = function(kind, sequence, body)
    local id, tests = protocol.rule(body)
    if id == 0 then
      return fail(kind, sequence, "rule 0 means no rule; ids are 1 to 255")
    end
    local rule, problem = rules.compile(tests, game.ram_address, game.work_bytes)
    if not rule then
      return fail(kind, sequence, "rule %d: %s", id, problem)
    end
    ruled[id], step_body = rule, nil
    return answer(kind, sequence)
  end

  requests[kinds.READ] = function(kind, sequence, body)
    local parts, total = {}, 0
    for i, range in ipairs(protocol.read(body)) do
      total = total + range.bytes
      if range.address + range.bytes > 0x10000 then
        return fail(kind, sequence, "%d bytes from %04X on go past FFFF", range.bytes, range.address)
      elseif total > protocol.MAX_BODY_BYTES then
        return fail(kind, sequence, "more than %d bytes in one answer", protocol.MAX_BODY_BYTES)
      end
      parts[i] = range.bytes > 0 and machine.read(range.address, range.bytes) or ""
    end
    return answer(kind, sequence, table.concat(parts))
  end

  requests[kinds.WRITE] = function(kind, sequence, body)
    local address, bytes = protocol.write(body)
    if not machine.is_ram(address, #bytes) then
      return fail(kind, sequence, "%d bytes from %04X on are not all in RAM", #bytes, address)
    end
    machine.write(address, bytes)
    touched = true
    return answer(kind, sequence)
  end

  requests[kinds.POWER_ON] = function(kind, sequence, body)
    protocol.empty("POWER_ON", body)
    local function stands()
      touched = false
      steps.forget()
      link.send(kind + protocol.ANSWER, sequence, string.pack("<I4", 0) .. machine.ram(0, game.ram_bytes))
      return true
    end
    if flow.frame == 0 and not touched then -- it stands there already; switching off and on takes 0.3 s
      stands()
      return false
    end
    flow.after_power_on(stands)
    return true
  end

  requests[kinds.SOFT_RESET] = function(kind, sequence, body)
    protocol.empty("SOFT_RESET", body)
    machine.soft_reset()
    touched = true
    return answer(kind, sequence)
  end

  requests[kinds.STATE_SAVE] = function(kind, sequence, body)
    protocol.empty("STATE_SAVE", body)
    if not machine.can_save() then
      return fail(kind, sequence, "this MAME gives no states to scripts")
    end
    if flow.frame == 0 then
      return answer(kind, sequence, protocol.state_reply(0, ""))
    end
    return flow.at_rest(function()
      answer(kind, sequence, protocol.state_reply(flow.frame, machine.save()))
      return true
    end)
  end

  requests[kinds.STATE_LOAD] = function(kind, sequence, body)
    local frame, state = protocol.state(body)
    if #state == 0 then
      return fail(kind, sequence, "an empty state stands for frame 0, where POWER_ON leads")
    elseif #state ~= state_bytes then
      return fail(kind, sequence, "a state of %d bytes, this machine's have %d", #state, state_bytes)
    end
    return flow.at_rest(function()
      if machine.load(state) then
        flow.stand_at(frame)
        answer(kind, sequence)
      else
        fail(kind, sequence, "MAME does not take this state")
      end
      return true
    end)
  end

  requests[kinds.TEXT] = function(kind, sequence, body)
    machine.show(protocol.texts(body))
    return answer(kind, sequence)
  end

  requests[kinds.THROTTLE] = function(kind, sequence, body)
    local on, rate = protocol.throttle(body)
    if on > 1 or rate == 0 then
      return fail(kind, sequence, "throttle %d at %d thousandths, wanted 0 or 1 and a rate above 0", on, rate)
    end
    machine.throttle(on == 1, rate / 1000)
    return answer(kind, sequence)
  end

  requests[kinds.CONSOLE] = function(kind, sequence, body)
    touched = true
    return commands.run(console.lines(body), function(text)
      steps.forget()
      if #text > protocol.MAX_BODY_BYTES then
        fail(kind, sequence, "the answer has %d bytes, the most is %d", #text, protocol.MAX_BODY_BYTES)
      else
        answer(kind, sequence, text)
      end
    end)
  end

  requests[kinds.DEBUG] = function(kind, sequence, body)
    local on = protocol.debug(body)
    if on > 1 then
      return fail(kind, sequence, "debug %d, wanted 0 or 1", on)
    end
    debug_on = on == 1
    return answer(kind, sequence)
  end

  requests[kinds.STATISTICS] = function(kind, sequence, body)
    protocol.empty("STATISTICS", body)
    return answer(kind, sequence, protocol.statistics_reply(counts:list()))
  end

  requests[kinds.PING] = function(kind, sequence, body)
    protocol.empty("PING", body)
    return answer(kind, sequence)
  end

  requests[kinds.QUIT] = function(kind, sequence, body)
    protocol.empty("QUIT", body)
    answer(kind, sequence)
    leave("the engine has ended this MAME")
  end

  -- who: what HELLO says (protocol.hello). Leaves when the engine does not want us.
  function self.greet(who)
    state_bytes = who.state_bytes
    link.send(kinds.HELLO, 0, protocol.hello(who))
    local kind, _, body = receive()
    link.compress = protocol.welcome(kind, body)
    link.welcomed = true
  end

  -- Answers requests until frames must run.
  function self.serve()
    while true do
      local kind, sequence, body = receive()
      counts.requests = counts.requests + 1
      if debug_on then
        print(string.format("sinv: frame %d: %s %d, %d bytes", flow.frame, protocol.name(kind), sequence, #body))
      end
      local go_on
      if kind == STEP then
        go_on = begin_step(sequence, body)
      else
        local request = requests[kind] or leave("the engine sends a frame of type %02X that no request has", kind)
        steps.forget()
        go_on = request(kind, sequence, body)
      end
      if go_on then
        return
      end
    end
  end

  return self
end

return session
