-- zlib streams, bounded; MAME brings the library. `available` is false where it does not.
local leave = require("sinv/leave")

local found, zlib = pcall(require, "zlib")
local squeeze = { available = found }

-- zlib's fastest level: a second level saves 3 % of a picture and costs twice the time.
function squeeze.deflate(bytes)
  return (zlib.deflate(1)(bytes, "finish"))
end

-- The stream's content; leaves when it is no zlib stream, not whole, followed by anything, or longer than `most`.
-- Fed by the KiB, which inflates to 1 MiB at most, so that a short stream cannot fill the memory.
function squeeze.inflate(stream, most)
  if not found then
    leave("a compressed frame came, and this MAME has no zlib")
  end
  local inflate, parts, bytes = zlib.inflate(), {}, 0
  for at = 1, #stream, 1024 do
    local ok, part, ended, used = pcall(inflate, stream:sub(at, at + 1023))
    if not ok then
      leave("a compressed frame is no zlib stream: %s", part)
    end
    parts[#parts + 1], bytes = part, bytes + #part
    if bytes > most then
      leave("a compressed frame holds more than %d bytes", most)
    end
    if ended then
      if used ~= #stream then
        leave("a compressed frame goes on %d bytes behind its end", #stream - used)
      end
      return table.concat(parts)
    end
  end
  leave("a compressed frame of %d bytes ends too early", #stream)
end

return squeeze
