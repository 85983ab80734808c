; Objects 2, 3 and 4: rolling, plunger and squiggly shot (the saucer shares the
; squiggly's turn). Rolling counts 2, 1, 0 over both ISRs and runs at 0; the
; vblank ISR copies that counter to shot_phase, and plunger and squiggly run in
; phase 1 and 2. Together with the beam test each shot moves every third frame.
;
; HL points at the status byte of the record throughout.

rolling_tick:
	ld hl,rolling+B_COUNT
	ld a,(hl)
	or a
	jp z,_turn
	dec (hl)
	ret
_turn:	ld (hl),2
	ld hl,rolling+B_STATUS
	ld a,(hl)
	or a
	jp nz,bomb_tick
	ld hl,(rolling+B_COLUMNS)
	ld a,h
	or l
	jp nz,_ready
	dec hl			; let one chance pass after every shot
	ld (rolling+B_COLUMNS),hl
	ret
_ready:	ld bc,plunger+B_STEPS
	ld hl,squiggly+B_STEPS
	call may_fire
	ret nc
	ld a,(player_x)
	add a,8
	ld b,a
	ld a,(ref_x)
	call sixteens
	ld a,c
	ld hl,rolling+B_STATUS
	cp ALIEN_COLUMNS+1
	jp c,fire_from
	ld a,ALIEN_COLUMNS
	jp fire_from

plunger_tick:
	ld a,(plunger_off)
	or a
	ret nz
	ld a,(shot_phase)
	dec a
	ret nz
	ld hl,plunger+B_STATUS
	or (hl)
	jp nz,bomb_tick
	ld bc,rolling+B_STEPS
	ld hl,squiggly+B_STEPS
	call may_fire
	ret nc
	ld hl,(plunger+B_COLUMNS)
	ld b,(hl)
	inc hl
	ld a,l
	cp plunger_end & 0FFh
	jp nz,_keep
	ld hl,plunger_columns
_keep:	ld (plunger+B_COLUMNS),hl
	ld a,b
	ld hl,plunger+B_STATUS
	jp fire_from

squiggly_tick:
	ld a,(shot_phase)
	cp 2
	ret nz
	ld hl,squiggly+B_STATUS
	ld a,(hl)
	or a
	jp nz,bomb_tick
	ld a,(saucer_due)
	or a
	jp z,_free
	ld a,(saucer_on)
	or a
	jp nz,saucer_tick
	ld a,(aliens)
	cp 8
	jp nc,saucer_start
_free:	ld bc,rolling+B_STEPS
	ld hl,plunger+B_STEPS
	call may_fire
	ret nc
	ld hl,(squiggly+B_COLUMNS)
	ld b,(hl)
	inc hl
	ld a,l
	cp squiggly_end & 0FFh
	jp nz,_keep
	ld hl,squiggly_columns
_keep:	ld (squiggly+B_COLUMNS),hl
	ld a,b
	ld hl,squiggly+B_STATUS
; fall through

; Fire from the lowest live alien of column A (1..11); none, no shot.
fire_from:
	push hl
	dec a
	ld l,a
	ld a,(page)
	ld h,a
	ld bc,0500h		; five rows; C = their height
_row:	ld a,(hl)
	or a
	jp nz,_fire
	ld a,l
	add a,ALIEN_COLUMNS
	ld l,a
	ld a,c
	add a,10h
	ld c,a
	dec b
	jp nz,_row
	pop hl
	ret
_fire:	ld h,cell_of / 256	; column*16 + row
	ld a,l
	add a,cell_of & 0FFh
	ld l,a
	ld a,(hl)
	and 0F0h
	ld hl,ref_x
	add a,(hl)
	add a,7
	ld b,a			; X
	dec l
	ld a,(hl)
	add a,c
	sub 10
	ld c,a			; Y
	pop hl
	ld (hl),80h
	inc l
	ld (hl),1
	ld a,l
	add a,B_Y-B_STEPS
	ld l,a
	ld (hl),c
	inc l
	ld (hl),b
	ret

; BC, HL = step counts of the two other shots. Carry = this one may be fired:
; each of the others is at rest or more than the reload rate ahead.
may_fire:
	ld a,(alien_fire)
	or a
	ret z
	ld a,(reload_rate)
	ld d,a
	ld a,(hl)
	dec a
	cp d			; 0 at rest becomes 255
	ccf
	ret nc
	ld a,(bc)
	dec a
	cp d
	ccf
	ret

; One move (or one tick of the explosion) of the shot at HL, A = its status.
bomb_tick:
	ld b,a
	ld a,l
	add a,B_X-B_STATUS
	ld l,a
	ld a,(beam)
	xor (hl)
	ret m
	ld d,(hl)		; X
	dec l
	ld e,(hl)		; Y
	push hl			; -> Y
	ld a,l
	sub B_Y-B_STEPS
	ld l,a
	ld a,b
	rrca
	jp c,bomb_fade
	inc (hl)
	ld a,(hl)
	push hl			; -> steps
	inc l
	inc l
	inc l
	inc l
	inc l			; -> picture
	cp 2
	ld b,3
	ld c,(hl)
	jp z,_new		; never drawn yet: erasing would bite into a shield
	push hl
	call erase_sprite
	pop hl
	ld a,(hl)
	add a,4
	and 0Fh
	ld c,a
	ld a,(hl)
	and 0F0h
	or c
	ld (hl),a
	ld c,a
_new:	inc l
	inc l
	ld a,(shot_speed)
	add a,(hl)
	ld (hl),a
	ld e,a
	xor a
	ld (touched),a
	ld b,3
	call touch_sprite
	pop bc			; -> steps
	pop hl			; -> Y
	ld a,(hl)
	cp 15h
	jp c,_explode		; the ground
	ld a,(touched)
	or a
	ret z
	ld a,(hl)
	cp 1Eh
	jp c,_explode		; too low to hurt: the safe row
	cp 27h
	jp nc,_explode		; a shield, a shot
	call kill_player	; keeps BC
_explode:
	dec c			; -> status
	ld a,(bc)
	or 1
	ld (bc),a
	ret

; HL -> steps, D, E = X, Y, stack: -> Y.
bomb_fade:
	ld a,l
	add a,B_BOOM-B_STEPS
	ld l,a
	dec (hl)
	ld a,(hl)
	jp z,_over
	cp 3
	jp nz,_wait
	inc l
	ld c,(hl)
	ld b,3
	call erase_sprite
	pop hl
	dec e
	dec e
	dec d
	dec d
	ld (hl),e
	inc l
	ld (hl),d
	inc l
	ld (hl),6
	ld bc,0600h + (pic_bomb_boom & 0FFh)
	jp or_sprite
_wait:	pop hl
	ret
; The record goes back to its first state; only the column pointers of plunger
; and squiggly live on.
_over:	ld bc,0600h + (pic_bomb_boom & 0FFh)
	call erase_sprite
	pop hl			; -> Y
	xor a
	ld (hl),a
	inc l
	ld (hl),a
	inc l
	ld (hl),3
	ld b,a
	ld a,l
	sub B_WIDTH-B_STATUS
	ld l,a
	ld (hl),b
	inc l
	ld (hl),b
	inc l
	ld a,(hl)		; 0 = the aimed shot, which has no column list
	inc l
	or a
	jp nz,_list
	ld (hl),a
	inc l
	ld (hl),a
	dec l
_list:	inc l
	inc l
	ld (hl),4
	inc l
	ld a,(hl)
	and 0F0h
	ld (hl),a
	ld a,l
	cp plunger+B_PICTURE & 0FFh
	ret nz
	ld a,(aliens)
	dec a
	ret nz
	inc a
	ld (plunger_off),a
	ret
