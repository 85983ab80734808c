-- When MAME calls us. MAME's own names for this changed between versions; this file alone knows them.
local notifiers = {}

-- on.frame: at the end of every frame, at the start of vertical blanking. on.start: after power-on, hard reset AND
-- soft reset. on.stop: before the machine is taken down (exit, hard reset).
-- Returns what the caller must keep: newer MAME drops a callback whose subscription is collected.
function notifiers.register(on)
  local kept = {}
  local function add(names, callback)
    for _, name in ipairs(names) do
      local register = emu[name]
      if register then
        kept[#kept + 1] = register(callback) or callback
        return
      end
    end
    error("this MAME has none of emu." .. table.concat(names, ", emu."))
  end
  add({ "register_frame_done", "add_machine_frame_notifier" }, on.frame)
  add({ "add_machine_reset_notifier", "register_start" }, on.start)
  add({ "add_machine_stop_notifier", "register_stop" }, on.stop)
  return kept
end

return notifiers
