-- Puts the parts together and stands between them and MAME: no error of ours gets into MAME.
local flow = require("sinv/flow")
local games = require("sinv/games")
local leave = require("sinv/leave")
local link = require("sinv/link")
local machine = require("sinv/machine")
local notifiers = require("sinv/notifiers")
local session = require("sinv/session")
local statistics = require("sinv/statistics")
local text_mode = require("sinv/text_mode")

local plugin = {}

-- A window shows MAME's warnings (checksums it does not know) until somebody presses a key, but not when the machine is
-- switched on again. Without a warning there are 4 pictures before the machine runs.
local START_SCREENS_AT_MOST = 30

local function game_of(set)
  local known = {}
  for name in pairs(games) do
    known[#known + 1] = name
  end
  table.sort(known)
  return games[set] or leave("no entry for the game %s in games.lua; known: %s", set, table.concat(known, " "))
end

local function who(config, emulated)
  local game = emulated.game
  local buttons = {}
  for i, button in ipairs(game.buttons) do
    buttons[i] = button.name
  end
  return {
    instance = config.instance,
    token = config.token,
    plugin_version = config.plugin_version,
    mame_version = emu.app_version(),
    game = emu.romname(),
    rom_crc = emulated.rom_crc(),
    ram_address = game.ram_address,
    ram_bytes = game.ram_bytes,
    work_bytes = game.work_bytes,
    state_bytes = emulated.can_save() and #emulated.save() or 0,
    buttons = buttons,
  }
end

-- config: address, instance, token, doorbell, mode, plugin_version (init.lua).
function plugin.start(config)
  local steady -- made at the first power-on: only then the game is known
  local ended = false
  local start_screens = 0 -- pictures before the machine runs

  local function fault(problem)
    return leave.is(problem) and problem or debug.traceback(problem)
  end

  local function guarded(callback)
    return function()
      if ended then
        return
      end
      local ok, problem = xpcall(callback, fault)
      if not ok then
        ended, steady = true, nil
        print("sinv: " .. tostring(problem))
        manager.machine:exit()
      end
    end
  end

  local function open()
    local counts = statistics.new()
    local emulated = machine.new(game_of(emu.romname()))
    steady = flow.new(emulated, counts)
    steady.begin(function()
      local file = link.connect(config.address)
      if config.mode == "text" then
        steady.serve = text_mode.new(file, steady, emulated, counts).serve
      elseif config.mode == "engine" then
        local engine = link.new(file, config.doorbell, counts, config.spin_us)
        local joined = session.new(engine, steady, emulated, counts)
        steady.while_paused = engine.sign_of_life
        joined.greet(who(config, emulated))
        steady.serve = joined.serve
      else
        leave("SINV_MAME_MODE is %q, wanted engine or text", config.mode)
      end
      return true
    end)
  end

  plugin.kept = notifiers.register({
    frame = guarded(function()
      if steady then
        steady.on_frame()
        return
      end
      start_screens = start_screens + 1
      if start_screens == START_SCREENS_AT_MOST then
        manager.machine:hard_reset()
      end
    end),
    start = guarded(function()
      if not steady then
        open()
      end
      steady.on_start()
    end),
    stop = guarded(function()
      if steady then
        steady.on_stop()
      end
    end),
  })
end

return plugin
