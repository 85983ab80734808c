; The engine's own game for the 1978 8080 board: 8 KiB, Z80 mnemonics, 8080
; opcodes only (rom/assemble fails the build on any other).
;
; Labels that begin with "_" are local to the last label without it.

	include "ram.asm"

	org 0
	include "boot.asm"
	include "rack.asm"
	include "player.asm"
	include "player_shot.asm"

; Both tables want a fixed page: the shot counter itself is the address of the
; saucer's side, and picture addresses are built from low bytes alone.
low_code_end:
	ds 0800h - low_code_end
	include "saucer_side.asm"
	include "pictures.asm"
	include "alien_shots.asm"
	include "saucer.asm"
	include "score.asm"
	include "sound.asm"
	include "video.asm"
	include "game.asm"
	include "start.asm"
	include "page.asm"
	include "attract.asm"
	include "demo.asm"
	include "texts.asm"
	include "font.asm"
	include "tables.asm"

rom_end:
	ds 2000h - rom_end	; also stops the assembler if the ROM overflows
