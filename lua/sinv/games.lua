-- What the plugin must know of a game, by MAME's name of the set. A second game is one more entry.
local games = {}

-- `bit i` of a mask of buttons is buttons[i + 1]: the order that HELLO tells the engine.
-- Addresses: MAME's driver mw8080bw.cpp; picture_bytes lie behind the work RAM.
games.invaders = {
  cpu = ":maincpu",
  space = "program",
  ram_address = 0x2000,
  ram_bytes = 0x2000,
  work_bytes = 0x0400,
  ram_item = "0/:main_ram", -- MAME's save item of this RAM: its fast way to the bytes
  rom_region = ":maincpu",
  rom_bytes = 0x2000,
  picture_width = 224, -- upright, as MAME shows it: the 256 rows of the picture and 4 empty ones below
  picture_height = 260,
  buttons = {
    { name = "coin", port = ":IN1", field = "Coin 1", console = { "P1_coin", "coin" } },
    { name = "start1", port = ":IN1", field = "1 Player Start", console = { "P1_start", "start1" } },
    { name = "fire", port = ":CONTP1", field = "P1 Button 1", console = { "P1_fire", "P1_Button_1" } },
    { name = "left", port = ":CONTP1", field = "P1 Left", console = { "P1_left", "P1_Left" } },
    { name = "right", port = ":CONTP1", field = "P1 Right", console = { "P1_right", "P1_Right" } },
    { name = "start2", port = ":IN1", field = "2 Players Start", console = { "P2_start", "start2" } },
  },
}

-- Sets of the same board with the same memory map and fields; what their RAM means is the engine's business.
for _, clone in ipairs({ "sisv", "sisv1", "sisv2", "sisv3", "sitv", "sitv1", "tst_invd" }) do
  games[clone] = games.invaders
end

return games
