-- Stands for MAME's zlib where plain Lua has none: "FAKE", u32 length of the content, u32 length of what is repeated to
-- that length, and that. Same calls, same answers, same failures as lua-zlib.
local fake_zlib = { level = nil }

function fake_zlib.stream(content, length)
  return "FAKE" .. string.pack("<I4s4", length or #content, content)
end

function fake_zlib.deflate(level)
  fake_zlib.level = level
  return function(content, how)
    assert(how == "finish")
    if fake_zlib.golden and content == fake_zlib.golden.content then
      return fake_zlib.golden.stream, true, #content, #fake_zlib.golden.stream
    end
    return fake_zlib.stream(content), true, #content, #content
  end
end

function fake_zlib.inflate()
  local got = ""
  return function(part)
    got = got .. part
    if got:sub(1, 4) ~= ("FAKE"):sub(1, #got) then
      error("InvalidInput")
    end
    if #got < 12 then
      return "", false, #got, 0
    end
    local length, bytes = string.unpack("<I4I4", got, 5)
    if #got < 12 + bytes then
      return "", false, #got, 0
    end
    local content = got:sub(13, 12 + bytes)
    return content:rep(length // math.max(bytes, 1) + 1):sub(1, length), true, 12 + bytes, length
  end
end

-- The content of one stream made by deflate, and its length; nil when it is not whole.
function fake_zlib.content(stream)
  if #stream < 12 then
    return nil
  end
  local length, bytes = string.unpack("<I4I4", stream, 5)
  assert(stream:sub(1, 4) == "FAKE" and length == bytes)
  if #stream < 12 + bytes then
    return nil
  end
  return stream:sub(13, 12 + bytes), 12 + bytes
end

package.preload["zlib"] = function()
  return fake_zlib
end

return fake_zlib
