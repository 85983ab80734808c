; RAM map and constants. No bytes are emitted here.
;
; Addresses and meanings are the contract every Machine shares (docs/rom.md):
; the engine reads positions, scores and phases straight out of this RAM.
; $2000-$20BF is re-initialised as one block (init_image in tables.asm) for
; every rack, every turn and every demo, so a variable that must survive a
; rack lives at $20C0 or above.

; --- rack and alien cursor
wait_draw	equ 2000h	; 1 = the cursor alien is still to be drawn
exploding	equ 2002h	; alien explosion running, or a shot hit to classify
explode_frames	equ 2003h
cursor_row	equ 2004h
anim		equ 2005h	; animation frame, toggles each rack step
cursor		equ 2006h	; alien 0..54
rack_dy		equ 2007h	; drop waiting for the next step: 0 or $F8
rack_dx		equ 2008h	; signed step
ref_y		equ 2009h	; reference alien: bottom left
ref_x		equ 200Ah
cursor_y	equ 200Bh
cursor_x	equ 200Ch
rack_dir	equ 200Dh	; 0 right, 1 left
drop		equ 200Eh

; --- object 0: player
player_delay	equ 2010h	; BIG-endian frames until the player appears
player_alive	equ 2015h	; $FF alive, 0/1 exploding
boom_frames	equ 2016h
boom_pictures	equ 2017h
player_y	equ 201Ah
player_x	equ 201Bh
demo_command	equ 201Dh	; 1 right, 2 left, 0 none

; --- object 1: player shot
shot_status	equ 2025h	; see SHOT_ below
shot_timer	equ 2026h
shot_y		equ 2029h
shot_x		equ 202Ah
shot_width	equ 202Bh
fire_held	equ 202Dh

SHOT_FREE	equ 0
SHOT_ASKED	equ 1
SHOT_FLYING	equ 2
SHOT_MISSED	equ 3
SHOT_DONE	equ 4
SHOT_HIT	equ 5

; --- objects 2, 3, 4: alien shots, three records of 16 bytes
rolling		equ 2030h
plunger		equ 2040h
squiggly	equ 2050h
B_COUNT		equ 2		; rolling only: the 3-phase counter
B_STATUS	equ 5		; bit 7 active, bit 0 exploding
B_STEPS		equ 6
B_COLUMNS	equ 8		; pointer into shot_columns
B_BOOM		equ 10
B_PICTURE	equ 11		; low byte; the page is PIC_PAGE
B_Y		equ 13
B_X		equ 14
B_WIDTH		equ 15

; --- shared
touched		equ 2061h	; the sprite just drawn met a lit pixel
boom_y		equ 2064h	; cell of the alien explosion
boom_x		equ 2065h
page		equ 2067h	; $21 player 1, $22 player 2
player_ok	equ 2068h	; 0 = the rack is frozen
alien_fire	equ 2069h
fire_delay	equ 206Ah
invaded		equ 206Dh
plunger_off	equ 206Eh
beam		equ 2072h	; $80 after the vblank ISR started, 0 after the mid one
shot_speed	equ 207Eh
shot_phase	equ 2080h
aliens		equ 2082h	; live aliens; $FF asks for a recount
saucer_due	equ 2083h
saucer_on	equ 2084h
saucer_hit	equ 2085h
saucer_timer	equ 2086h
saucer_y	equ 2089h
saucer_x	equ 208Ah
saucer_dx	equ 208Ch
score_index	equ 208Dh	; finished shots modulo 15
shots_done	equ 208Fh	; 16 bit; the high byte stays $08: saucer_side is there
saucer_wait	equ 2091h	; little-endian
waiting_start	equ 2093h
out3		equ 2094h	; shadow of OUT 3
out5		equ 2098h	; low nibble: fleet tone; bits 4, 5 as on the port
fleet_count	equ 2096h
fleet_reload	equ 2097h
extra_sound	equ 2099h
fleet_hold	equ 209Bh

; --- survive a rack
delay		equ 20C0h	; -1 every vblank
attract_task	equ 20C1h	; 1 = demo
two_players	equ 20CEh
reload_rate	equ 20CFh
player_done	equ 20D0h	; player explosion finished; the main loop acts on it
hundreds	equ 20D1h	; score high byte last seen by score_rules; $FF = none
saved_sp	equ 20D2h	; 2 bytes, only inside an ISR
demo_column	equ 20D4h	; column (0..10) the demo player hunts
turn_page	equ 20D5h	; page of the turn being set up (page is in the init block)
left_in_row	equ 20D6h	; scratch of the attract pictures
extra_left	equ 20E5h	; 20E6 for player 2
player_in	equ 20E7h	; 20E8 for player 2
tasks		equ 20E9h
coin_switch	equ 20EAh
credits		equ 20EBh
attract_variant	equ 20ECh
game_mode	equ 20EFh
points_due	equ 20F1h
points		equ 20F2h	; BCD, low byte first
high_score	equ 20F4h
score_1		equ 20F8h	; BCD, low byte first, then its screen address
score_2		equ 20FCh

; --- player pages $2100, $2200 (offsets)
P_SENTINEL	equ 37h		; after the 55 flags: stops the scan for a live alien
P_SHIELDS	equ 42h		; saved copy, 4 x 44 bytes
P_DX		equ 0FBh
P_Y		equ 0FCh
P_X		equ 0FDh
P_RACKS		equ 0FEh
P_SHIPS		equ 0FFh

STACK		equ 2400h
SCREEN		equ 2400h
COLUMN		equ 20h		; bytes per screen column
X_OFFSET	equ 20h		; stored X = column + $20

NUM_ALIENS	equ 55
ALIEN_COLUMNS	equ 11
PLAYER_LEFT	equ 30h
PLAYER_RIGHT	equ 0D9h
LEFT_EDGE	equ 2524h	; column 9, rows 32..
RIGHT_EDGE	equ 3EA4h	; column 213, rows 32..
EDGE_BYTES	equ 23		; rows 32..215

SND_SAUCER	equ 1
SND_SHOT	equ 2
SND_PLAYER	equ 4
SND_ALIEN	equ 8
SND_EXTRA	equ 10h
SND_AMP		equ 20h
SND5_SAUCER	equ 10h
FLIP		equ 20h

; pasmo --w8080 calls a plain OUT a Z80 opcode, so the byte is written out.
outp macro port
	db 0D3h,port
	endm
OUT_SHIFT	equ 2
OUT_SOUND	equ 3
OUT_DATA	equ 4
OUT_FLEET	equ 5
OUT_DOG		equ 6
