; Object 1: the player's shot, and what it hit.

; Main loop: a press asks for a shot. The button must be seen released in
; between, and that is noticed only while no shot is under way.
fire_button:
	ld a,(player_alive)
	inc a
	ret nz
	ld hl,(player_delay)
	ld a,h
	or l
	ret nz
	ld a,(shot_status)
	or a
	ret nz
	call controls
	ld hl,fire_held
	and 10h
	jp z,_up
	ld a,(hl)
	or a
	ret nz
	inc a
	ld (hl),a
	ld (shot_status),a	; SHOT_ASKED
	ret
_up:	ld (hl),a
	ret

; Either ISR, the one on the shot's side. A free shot rests at X = $30, so a
; new one always starts in the mid ISR.
player_shot_tick:
	ld b,a
	ld hl,shot_x
	ld a,(beam)
	xor (hl)
	ret m
	ld a,b
	cp SHOT_FLYING
	jp z,_fly
	jp c,_launch
	cp SHOT_DONE
	jp c,_fade
	jp z,_finish
	ret			; SHOT_HIT: waits for the alien's explosion

_launch:
	ld a,SHOT_FLYING
	ld (shot_status),a
	ld a,(player_x)
	add a,8
	ld (hl),a
	ld d,a
	ld a,SND_SHOT
	call sound_on
	ld hl,shot_y
	jp _draw
_fly:	ld d,(hl)
	dec l
	ld e,(hl)
	call _column
	ld a,c
	cpl
	and (hl)
	ld (hl),a
	ld hl,shot_y
	ld a,(hl)
	add a,4
	ld (hl),a
_draw:	ld e,(hl)
	call _column
	ld a,c
	and (hl)
	jp z,_clear
	ld a,1
	ld (exploding),a	; the main loop finds out what it was
_clear:	ld a,c
	or (hl)
	ld (hl),a
	ret

; Y is a multiple of 4, so the four lit pixels never straddle two bytes.
; Out: HL = screen byte, C = its pixels.
_column:
	call screen_address
	ld a,e
	and 4
	ld c,0Fh
	ret z
	ld c,0F0h
	ret

; Sixteen ticks of explosion: drawn on the first, removed on the last.
_fade:	ld hl,shot_timer
	dec (hl)
	ld a,(hl)
	jp z,_vanish
	cp 15
	ret nz
	ld hl,(shot_y)
	ex de,hl
	call _column
	ld a,c
	cpl
	and (hl)
	ld (hl),a
	ld hl,shot_y
	ld a,(hl)
	sub 2
	ld (hl),a
	ld e,a
	inc l
	ld a,(hl)
	sub 3
	ld (hl),a
	ld d,a
	inc l
	ld (hl),8
	ld bc,0800h + (pic_shot_boom & 0FFh)
	jp or_sprite
_vanish:
	ld hl,(shot_y)
	ex de,hl
	ld bc,0800h + (pic_shot_boom & 0FFh)
	call erase_sprite
_finish:
	ld hl,shot_status
	ld de,init_image+25h
	ld b,7
	call copy
	ld hl,score_index
	inc (hl)
	ld a,(hl)
	cp 15
	jp c,_index
	ld (hl),0
_index:	ld hl,shots_done	; low byte only: the high byte is the table's page
	inc (hl)
	ld a,(saucer_on)
	or a
	jp nz,_quiet
	ld hl,(shots_done)
	ld a,(hl)
	rrca
	ld hl,0229h		; from the left: X $29, +2
	jp c,_side
	ld hl,0FEE0h		; from the right: X $E0, -2
_side:	ld a,l
	ld (saucer_x),a
	ld a,h
	ld (saucer_dx),a
_quiet:	ld a,~SND_SHOT & 0FFh
	jp sound_off

; Main loop: decide what the flying shot touched. The shot itself cannot know:
; it saw only that some pixel was lit.
classify_shot:
	ld a,(shot_status)
	cp SHOT_FLYING
	ret nz
	ld hl,shot_y
	ld a,(hl)
	cp 0D8h
	jp nc,_miss
	ld a,(exploding)
	or a
	ret z
	ld a,(hl)
	cp 0CEh
	jp nc,_saucer
	add a,6
	ld b,a			; B = Y + 6
	ld a,(ref_y)
	cp 90h			; above that the rack has wrapped below zero
	jp nc,_rack
	cp b
	jp nc,_miss		; below the rack: a shield or an alien shot
_rack:	ld a,(ref_y)
	call sixteens
	dec c
	ld d,c			; D = row
	ld a,(shot_x)
	ld b,a
	ld a,(ref_x)
	call sixteens
	dec c
	ld e,c			; E = column; 11 means the next row's first alien
	ld a,d
	cp 5
	jp nc,_miss
	add a,a
	ld l,a
	add a,a
	add a,a
	add a,l
	add a,d			; 11 * row
	add a,e
	cp NUM_ALIENS
	jp nc,_miss
	ld l,a
	ld a,(page)
	ld h,a
	ld a,(hl)
	or a
	jp z,_miss
	ld (hl),0
	push de
	call erase_shot
	pop de
	ld a,0FFh
	ld (aliens),a		; ask for a recount
	ld a,SHOT_HIT
	ld (shot_status),a
	ld a,16
	ld (explode_frames),a
	ld hl,row_points
	ld a,d
	add a,l
	ld l,a
	ld a,(hl)
	ld h,0
	ld l,a
	ld (points),hl
	ld a,1
	ld (points_due),a
	ld a,d			; cell: reference + 16 per row and column
	add a,a
	add a,a
	add a,a
	add a,a
	ld hl,ref_y
	add a,(hl)
	ld d,a
	inc l
	ld a,e
	add a,a
	add a,a
	add a,a
	add a,a
	add a,(hl)
	ld e,d
	ld d,a
	ex de,hl
	ld (boom_y),hl
	ex de,hl
	call screen_address
	ld de,pic_alien_boom
	call paint_cell
	ld a,SND_ALIEN
	jp sound_on

_saucer:
	ld a,1
	ld (saucer_hit),a
	call erase_shot
	ld a,SHOT_DONE
	jp _end
_miss:	ld a,SHOT_MISSED
_end:	ld (shot_status),a
	xor a
	ld (exploding),a
	ret

erase_shot:
	ld hl,(shot_y)
	ex de,hl
	call screen_address
	ld a,e
	and 4
	ld a,0F0h
	jp z,_low
	ld a,0Fh
_low:	and (hl)
	ld (hl),a
	ret

; C = number of 16-pixel cells from A up to (not including) B. When A is not
; below B the count first runs upwards until A has left the negative half; that
; is what makes rack rows below zero, and a player left of the rack, come out
; as they do.
sixteens:
	ld c,0
	cp b
	jp c,_count
_wrap:	inc c
	add a,10h
	jp m,_wrap
_count:	cp b
	ret nc
	add a,10h
	inc c
	jp _count
