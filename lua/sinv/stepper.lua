-- STEP: frames run in one go, buttons by the press rule, an end by the stop rule. The same as Machine::run_stretch
-- (cabinet/machine.cpp), with work RAM kept of every frame and the picture of the last ones.
local protocol = require("sinv/protocol")

local stepper = {}

function stepper.new(machine)
  local self = {}
  local read, press = machine.ram, machine.press
  local ram_bytes, work_bytes = machine.game.ram_bytes, machine.game.work_bytes
  local picture_bytes = ram_bytes - work_bytes
  local frames, pictures, press_rule, stop_rule, n, held, ready
  local run, stopped, works, picture_before, picture = 0, false, {}, "", ""
  local ram -- RAM at the end of the last frame, work RAM first; nil when something else may have changed it

  local function press_for_next()
    local i = run < n and run + 1 or n
    local mask = held[i]
    if ready[i] ~= 0 and press_rule then
      if not ram then
        ram = read(0, work_bytes)
      end
      if press_rule(ram) then
        mask = mask | ready[i]
      end
    end
    press(mask)
  end

  -- plan: what protocol.step gives, valid, with press_rule and stop_rule as functions or nil.
  function self.begin(plan)
    frames, pictures, n, held, ready = plan.frames, plan.pictures, plan.n, plan.held, plan.ready
    press_rule, stop_rule = plan.press_rule, plan.stop_rule
    run, stopped = 0, false
    press_for_next()
  end

  -- At the end of a frame: true when it was the last one.
  function self.frame()
    run = run + 1
    local last = run == frames
    if last and pictures == 1 then -- one read brings work RAM and the picture as they follow each other in the answer
      ram = read(0, ram_bytes)
      works[run], picture = ram, ""
      stopped = stop_rule ~= nil and stop_rule(ram)
      return true
    end
    ram = read(0, work_bytes)
    works[run] = ram
    if stop_rule and stop_rule(ram) then
      stopped, last = true, true
    end
    if pictures == 2 then
      -- With a stop rule any frame may turn out to be the last but one.
      if stop_rule or run >= frames - 1 then
        picture_before, picture = picture, read(work_bytes, picture_bytes)
      end
    elseif last and pictures == 1 then
      picture = read(work_bytes, picture_bytes)
    end
    if not last then
      press_for_next()
    end
    return last
  end

  -- Head and body of the answer, after frame() was true.
  function self.reply(frame)
    if run == 1 and frames == 1 and pictures < 2 then
      return protocol.step_reply_head(frame, 1, stopped, pictures), works[1]
    end
    local shown = pictures < run and pictures or run
    local body = table.concat(works, "", 1, run)
    if shown == 2 then
      body = body .. picture_before .. picture
    elseif shown == 1 then
      body = body .. picture
    end
    return protocol.step_reply_head(frame, run, stopped, shown), body
  end

  -- Something else than a frame may have changed RAM.
  function self.forget()
    ram = nil
  end

  return self
end

return stepper
