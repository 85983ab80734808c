-- The emulated machine as the bridge needs it: memory, buttons, states, text, throttle, resets.
-- attach() must be called after every power-on: what the old machine gave out is dead then.
local leave = require("sinv/leave")

local machine = {}

local function crc32_of(region, bytes)
  local entries = {}
  for i = 0, 255 do
    local c = i
    for _ = 1, 8 do
      c = (c & 1) == 1 and (c >> 1) ~ 0xEDB88320 or c >> 1
    end
    entries[i] = c
  end
  local crc = 0xFFFFFFFF
  for i = 0, bytes - 1 do
    crc = (crc >> 8) ~ entries[(crc ~ region:read_u8(i)) & 0xFF]
  end
  return crc ~ 0xFFFFFFFF
end

-- game: an entry of games.lua.
function machine.new(game)
  local self = { game = game }
  local running, space, item, item_read, overlay
  local fields, set_value = {}, nil
  local pressed = 0
  local texts, throttled, rate = {}, nil, nil
  local started_frameskip -- by MAME's command line
  local buttons = game.buttons
  local ram_first, ram_last = game.ram_address, game.ram_address + game.ram_bytes - 1

  -- MAME does not wait in frames that it skips, so none are skipped in real time.
  local function apply_throttle()
    if throttled ~= nil then
      local video = running.video
      video.throttled = throttled
      video.throttle_rate = rate
      video.frameskip = throttled and 0 or started_frameskip
    end
  end

  function self.attach()
    running = manager.machine
    local cpu = running.devices[game.cpu] or leave("this machine has no device %s", game.cpu)
    space = cpu.spaces[game.space]
    local index = cpu.items[game.ram_item]
    item = index and emu.item(index) or nil
    item_read = item and item.read_block
    overlay = running.render.ui_container
    for i, button in ipairs(buttons) do
      local port = running.ioport.ports[button.port]
      fields[i] = port and port.fields[button.field]
        or leave("this machine has no field %q in port %s", button.field, button.port)
    end
    set_value = fields[1].set_value
    pressed = 0
    started_frameskip = running.video.frameskip
    apply_throttle()
  end

  function self.rom_crc()
    return crc32_of(running.memory.regions[game.rom_region], game.rom_bytes)
  end

  -- `bytes` of RAM from `offset` on, as a string. The save item is the RAM itself (1 to 6 us for 8 KiB); reading
  -- through the address space takes 28 to 110 us.
  function self.ram(offset, bytes)
    if item then
      return item_read(item, offset, bytes)
    end
    return space:read_range(ram_first + offset, ram_first + offset + bytes - 1, 8)
  end

  -- Any addresses of the CPU. REQUIRES: bytes > 0, within the 64 KiB.
  function self.read(address, bytes)
    if address >= ram_first and address + bytes - 1 <= ram_last then
      return self.ram(address - ram_first, bytes)
    end
    return space:read_range(address, address + bytes - 1, 8)
  end

  function self.is_ram(address, bytes)
    return address >= ram_first and address + bytes - 1 <= ram_last
  end

  -- REQUIRES: is_ram(address, #bytes).
  function self.write(address, bytes)
    for i = 1, #bytes do
      space:write_u8(address + i - 1, bytes:byte(i))
    end
  end

  -- The buttons of the next frame. Only what changes is told to MAME: a call into it costs 0.3 us.
  function self.press(mask)
    if mask ~= pressed then
      local changed = mask ~ pressed
      for i = 1, #buttons do
        local bit = 1 << (i - 1)
        if changed & bit ~= 0 then
          set_value(fields[i], mask & bit ~= 0 and 1 or 0)
        end
      end
      pressed = mask
    end
  end

  function self.all_buttons()
    return (1 << #buttons) - 1
  end

  -- States are right at rest only (flow.at_rest).
  function self.can_save()
    return running.buffer_save ~= nil and running.buffer_load ~= nil
  end

  function self.save()
    return running:buffer_save()
  end

  -- False when MAME does not take it; the machine is as before then.
  function self.load(state)
    return (pcall(running.buffer_load, running, state))
  end

  -- MAME's own files; carried out after the callback.
  function self.save_file(name)
    running:save(name)
  end

  function self.load_file(name)
    running:load(name)
  end

  function self.hard_reset()
    running:hard_reset()
  end

  function self.soft_reset()
    running:soft_reset()
  end

  -- list: { x, y, colour, text } in pixels of the upright picture.
  function self.show(list)
    texts = list
  end

  function self.texts()
    return texts
  end

  -- Text stands for one frame of MAME's, so this is called in every frame. On the layer of MAME's own menus, which
  -- is upright: the layer of the screen is turned with the picture, and its text lies on its side.
  function self.draw()
    for i = 1, #texts do
      local t = texts[i]
      overlay:draw_text(t.x / game.picture_width, t.y / game.picture_height, t.text, t.colour)
    end
  end

  -- speed: 1 is real time. Stands until the next call, over resets too.
  function self.throttle(on, speed)
    throttled, rate = on, speed or rate or 1
    apply_throttle()
  end

  return self
end

return machine
