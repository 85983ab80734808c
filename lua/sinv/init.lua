-- MAME plugin `sinv`: lets sinv_engine run this MAME frame by frame. What crosses the socket: docs/formats.md.
local exports = {
  name = "sinv",
  version = "1.0",
  description = "Bridge to sinv_engine",
  license = "see LICENSE of sinv_engine",
  author = { name = "sinv_engine" },
}

function exports.startplugin()
  io.stdout:setvbuf("line")
  local address = os.getenv("SINV_MAME_ADDRESS")
  if not address or address == "" then
    print("sinv: SINV_MAME_ADDRESS is not set (domain./path/of.sock or socket.127.0.0.1:5678), so nothing is connected")
    return
  end
  require("sinv/plugin").start({
    address = address,
    instance = os.getenv("SINV_MAME_INSTANCE") or "",
    token = os.getenv("SINV_MAME_TOKEN") or "",
    doorbell = os.getenv("SINV_MAME_DOORBELL"),
    spin_us = tonumber(os.getenv("SINV_MAME_SPIN_US") or ""),
    mode = os.getenv("SINV_MAME_MODE") or "engine",
    plugin_version = exports.version,
  })
end

return exports
