; Object 0: the player. Runs once per frame, in the vblank ISR.

player_tick:
	ld a,(invaded)
	or a
	call nz,_landed
	ld hl,player_delay+1
	ld a,(hl)
	dec l
	or (hl)
	jp z,_here
	inc l			; big-endian: high byte first
	ld a,(hl)
	sub 1
	ld (hl),a
	ret nc
	dec l
	dec (hl)
	ret
_here:	ld a,(player_alive)
	inc a
	jp nz,_boom
	inc a
	ld (player_ok),a
	ld hl,fire_delay
	ld a,(hl)
	or a
	jp z,_move
	dec (hl)
	jp nz,_move
	ld a,1
	ld (alien_fire),a
_move:	call controls		; bit 6 right, bit 5 left
	ld hl,player_x
	ld d,(hl)
	add a,a
	jp m,_right
	add a,a
	jp p,_draw
	ld a,d
	cp PLAYER_LEFT+1
	jp c,_draw
	dec d
	ld (hl),d
	jp _draw
_right:	ld a,d
	cp PLAYER_RIGHT
	jp nc,_draw
	inc d
	ld (hl),d
; Drawn every frame, moved or not: that repairs what exploding shots bite off.
_draw:	ld bc,pic_player
_paint:	ld e,20h
	call screen_address
	jp paint_strip_16

_boom:	ld hl,boom_frames
	dec (hl)
	ret nz
	ld (hl),5
	xor a
	ld (player_ok),a
	ld (alien_fire),a
	ld a,30h
	ld (fire_delay),a
	inc l
	dec (hl)
	jp z,_over
	ld hl,player_alive
	ld a,(hl)
	xor 1
	ld (hl),a
	ld bc,pic_player_boom_a
	jp z,_show
	ld bc,pic_player_boom_b
_show:	ld a,(player_x)
	ld d,a
	jp _paint

; The explosion is over: a fresh object, still to be placed. Whether there is a
; ship for it is decided in the main loop.
_over:	ld a,(player_x)
	ld d,a
	ld bc,pic_blank
	call _paint
	ld hl,2010h
	ld de,init_image+10h
	ld b,10h
	call copy
	ld a,1
	ld (player_done),a
	ld a,~SND_PLAYER & 0FFh
	jp sound_off

; An alien stands on the ground: the player goes, even if not yet placed.
_landed:
	ld a,(player_alive)
	inc a
	ret nz
	ld hl,0
	ld (player_delay),hl
; fall through

kill_player:
	xor a
	ld (player_alive),a
	ld a,SND_PLAYER
	jp sound_on

; A = bits of the player's stick: 4 fire, 5 left, 6 right. The demo makes its
; own.
controls:
	ld a,(game_mode)
	or a
	jp z,demo_stick
	ld a,(page)
	rrca
	jp nc,_two
	in a,(1)
	ret
_two:	in a,(2)
	ret
