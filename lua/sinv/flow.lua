-- What happens when: counts frames and carries on, at the end of a frame or after a power-on, with what waits for it.
-- Between two calls of MAME's one thing waits; when it is done, serve() asks for more work, in the same callback.
local flow = {}

-- counts.frames goes up with every frame.
-- serve: called when nothing waits any more; must have called after_frames or after_power_on before it returns.
-- while_paused: called for every picture of a MAME that somebody has paused.
function flow.new(machine, counts)
  local self = { frame = 0, serve = nil, while_paused = function() end }
  local time = emu.time
  local standing = false -- between a power-on and the end of that machine
  local last_time = 0
  local next_frame, next_start
  local next_rest -- go() of at_rest(), while MAME is on its way to rest
  local resting = false

  local function nothing()
    return false
  end
  next_frame = nothing

  -- go() at the end of each frame to come until it returns true; then serve().
  function self.each_frame(go)
    next_frame = go
  end

  -- go() once n frames have been run; its value as above.
  function self.after_frames(n, go)
    next_frame = function()
      n = n - 1
      if n > 0 then
        return false
      end
      return go()
    end
  end

  -- Switches off and on; go() at time 0.
  function self.after_power_on(go)
    next_frame, next_start = nothing, go
    machine.hard_reset()
  end

  -- go() with MAME between two slices of time, the only place where states can be saved and loaded: within the
  -- callback at the end of a frame MAME is in the middle of a timer, whose rest would use the time before the load.
  -- A paused MAME calls us from there, without any frame being run.
  function self.at_rest(go)
    if resting then
      if go() then
        return false
      end
    else
      next_rest = go
      emu.pause()
    end
    return true
  end

  -- The first power-on.
  function self.begin(go)
    next_start = go
  end

  -- The machine has been put elsewhere: its clock may now run through a time that it has shown already.
  function self.stand_at(frame)
    self.frame, last_time = frame, nil
  end

  function self.on_frame()
    if not standing then -- MAME's start screens have frames too
      return
    end
    if next_rest then
      local go = next_rest
      next_rest, resting = nil, true
      if go() then
        self.serve()
      end
      resting = false
      emu.unpause()
      return machine.draw()
    end
    local now = time()
    if now == last_time then -- MAME is paused and redraws
      self.while_paused()
      return machine.draw()
    end
    last_time = now
    self.frame = self.frame + 1
    counts.frames = counts.frames + 1
    if next_frame() then
      self.serve()
    end
    machine.draw()
  end

  function self.on_start()
    if standing then -- a soft reset: the same machine goes on
      return
    end
    standing, last_time, self.frame = true, time(), 0
    machine.attach()
    local go = next_start or nothing
    next_start = nil
    if go() then
      self.serve()
    end
  end

  function self.on_stop()
    standing = false
  end

  return self
end

return flow
