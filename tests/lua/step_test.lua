-- STEP against a model: the fake's machine run frame by frame by plain loops.
local check = require("check")
local engine_side = require("engine_side")
local fake = require("fake_mame")

local function new_model()
  local model = { ram = {}, frame = 0 }
  for i = 0, 8191 do
    model.ram[i] = 0
  end
  return model
end

local function holds(tests, ram)
  local groups, order = {}, {}
  for _, t in ipairs(tests) do
    if groups[t[1]] == nil then
      groups[t[1]], order[#order + 1] = true, t[1]
    end
    local same = (ram[t[3] - 0x2000] & t[2]) == t[4]
    if same ~= (t[5] == 1) then
      groups[t[1]] = false
    end
  end
  for _, group in ipairs(order) do
    if groups[group] then
      return true
    end
  end
  return false
end

-- Machine::run_stretch of cabinet/machine.cpp, in words.
local function model_step(model, frames, wanted, press, stop, pairs_)
  local reply = { works = {}, pictures = {}, stopped = 0 }
  local all = {}
  for i = 1, frames do
    local pair = pairs_[i] or pairs_[#pairs_]
    local mask = pair[1]
    if press and holds(press, model.ram) then
      mask = mask | pair[2]
    end
    fake.advance(model.ram, mask)
    model.frame = model.frame + 1
    reply.works[i] = fake.bytes_of(model.ram, 0, 1024)
    all[i] = fake.bytes_of(model.ram, 1024, 7168)
    reply.run = i
    if stop and holds(stop, model.ram) then
      reply.stopped = 1
      break
    end
  end
  reply.frame = model.frame
  for i = math.max(1, reply.run - wanted + 1), reply.run do
    reply.pictures[#reply.pictures + 1] = all[i]
  end
  return reply
end

local function same(found, wanted)
  for _, name in ipairs({ "frame", "run", "stopped" }) do
    check.equal(found[name], wanted[name], name)
  end
  for _, name in ipairs({ "works", "pictures" }) do
    check.equal(#found[name], #wanted[name], "number of " .. name)
    for i = 1, #wanted[name] do
      check.equal(found[name][i], wanted[name][i], name .. " " .. i)
    end
  end
end

local function random_tests()
  local tests = {}
  for i = 1, math.random(1, 4) do
    tests[i] = { i // 2, 1 << math.random(0, 2), 0x2000 + math.random(6, 31), 0, math.random(0, 1) }
  end
  return tests
end

local function play(steps, options)
  math.randomseed(options.seed)
  local stops, presses = 0, 0
  options.script = function(socket)
    local engine, model = engine_side.new(socket), new_model()
    engine.welcome()
    check.equal(engine.ask(6), ("\0"):rep(4 + 8192), "RAM at power-on")
    local known = {}
    for id = 1, 6 do
      known[id] = random_tests()
      check.equal(engine.ask(3, engine_side.rule_body(id, known[id])), "")
    end
    local body, arguments
    for i = 1, steps do
      if i % 50 == 0 then
        local id = math.random(1, 6)
        known[id] = random_tests()
        engine.ask(3, engine_side.rule_body(id, known[id]))
      end
      if i % 3 > 0 or not body then -- every third STEP is the one before, which the plugin does not take apart again
        local pairs_ = {}
        for p = 1, math.random(1, 6) do
          pairs_[p] = { math.random(0, 63), math.random(0, 1) * math.random(0, 63) }
        end
        arguments = { math.random(1, 4) == 1 and math.random(1, 64) or math.random(1, 3), math.random(0, 2), math.random(0, 6),
          math.random(0, 6), pairs_ }
      end
      local frames, wanted, press, stop, pairs_ = table.unpack(arguments)
      body = engine_side.step_body(frames, wanted, press, stop, pairs_)
      local found = engine_side.step_reply(assert(engine.ask(2, body)))
      same(found, model_step(model, frames, wanted, known[press], known[stop], pairs_))
      stops, presses = stops + found.stopped, presses + (press > 0 and 1 or 0)
      if i % 20 == 0 then -- what changes RAM between steps is seen by the press rule
        local at, value = math.random(6, 31), math.random(0, 255)
        engine.ask(5, string.pack("<I2B", 0x2000 + at, value))
        model.ram[at] = value
      end
    end
    engine.quit()
  end
  local log = fake.run(options)
  assert(log.finished and log.exited, "the script did not come to its end: " .. table.concat(log.printed, " "))
  assert(stops > steps / 20 and presses > steps / 2, "the rules did nothing")
end

check.test("random steps equal the model", function()
  play(400, { seed = 1 })
end)

check.test("random steps equal the model when sockets deliver by the byte", function()
  play(60, { seed = 2, short = true })
end)

check.test("random steps equal the model without fast RAM and with newer notifiers", function()
  play(100, { seed = 3, save_item = false, newer = true })
end)

check.test("only buttons that change are told to MAME", function()
  local log = fake.run({ script = function(socket)
    local engine = engine_side.new(socket)
    engine.welcome()
    engine.step(64, 0, 0, 0, { { 0x08, 0 } })
    engine.step(64, 0, 0, 0, { { 0x08, 0 }, { 0x18, 0 } })
    engine.step(1, 0, 0, 0, { { 0x18, 0 } })
    engine.quit()
  end })
  check.equal(log.sets, 2, "calls of set_value")
end)

check.test("the press rule reads RAM as it is now, and a rule given anew counts for the same STEP", function()
  local log = fake.run({ script = function(socket)
    local engine = engine_side.new(socket)
    engine.welcome()
    engine.ask(3, engine_side.rule_body(1, { { 0, 255, 0x2200, 5, 1 } }))
    local function mask()
      return engine.step(1, 0, 1, 0, { { 1, 6 } }).works[1]:byte(2)
    end
    check.equal(mask(), 1)
    engine.ask(5, string.pack("<I2B", 0x2200, 5))
    check.equal(mask(), 7)
    check.equal(mask(), 7)
    engine.ask(12, "write_memory 2200(4)")
    check.equal(mask(), 1)
    engine.ask(3, engine_side.rule_body(1, { { 0, 255, 0x2200, 4, 1 } }))
    check.equal(mask(), 7)
    engine.ask(6)
    check.equal(mask(), 1)
    engine.quit()
  end })
  assert(log.finished, "the script did not come to its end: " .. table.concat(log.printed, " "))
end)
