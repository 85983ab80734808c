; The rack: 55 aliens that share one reference position. One live alien is
; moved per frame (mid ISR) and drawn (vblank ISR), so a step of N aliens takes
; N frames and the rack speeds up as it thins out.

; mid ISR: move the cursor to the next live alien, stepping the rack when it
; wraps. Held while the last alien is undrawn (an explosion is running) and
; while the player explodes.
advance_cursor:
	ld a,(player_ok)
	or a
	ret z
	ld a,(wait_draw)
	or a
	ret nz
	ld a,(aliens)
	or a
	ret z
	ld a,(page)
	ld h,a
	ld l,P_SENTINEL
	ld (hl),1
	ld a,(cursor)
	ld l,a
	xor a
_scan:	inc l
	cp (hl)
	jp z,_scan
	ld a,l
	cp NUM_ALIENS
	jp z,_wrap
_found:	ld (cursor),a
	ld hl,cell_of		; column*16 + row for each alien
	add a,l
	ld l,a
	ld b,(hl)
	ld a,b
	and 0F0h
	ld hl,ref_x
	add a,(hl)
	ld (cursor_x),a
	ld a,b
	and 0Fh
	ld (cursor_row),a
	add a,a
	add a,a
	add a,a
	add a,a
	dec l
	add a,(hl)
	ld (cursor_y),a
	cp 28h
	ld a,1
	ld (wait_draw),a
	ret nc
	ld (invaded),a
	ret

_wrap:	push hl
	ld hl,rack_dy
	ld c,(hl)
	ld (hl),0
	inc l
	ld b,(hl)
	inc l
	ld a,(hl)
	add a,c
	ld (hl),a
	inc l
	ld a,(hl)
	add a,b
	ld (hl),a
	ld hl,anim
	ld a,(hl)
	xor 1
	ld (hl),a
	pop hl
	ld l,0
	xor a
	cp (hl)
	jp nz,_found
_again:	inc l
	cp (hl)
	jp z,_again
	ld a,l
	cp NUM_ALIENS
	jp nz,_found
	ret			; the flags are all clear although aliens says otherwise

; vblank ISR: time a running explosion, or draw the alien under the cursor.
alien_tick:
	ld a,(exploding)
	or a
	jp nz,_boom
	ld hl,wait_draw
	cp (hl)
	ret z
	ld (hl),a
	ld a,(page)
	ld h,a
	ld a,(cursor)
	ld l,a
	ld a,(hl)
	or a
	ret z			; shot between its move and its drawing
	ld a,(cursor_row)
	ld hl,row_picture
	add a,l
	ld l,a
	ld b,(hl)
	ld a,(anim)
	or a
	jp z,_even
	ld a,10h
_even:	add a,b
	ld c,a
	ld b,PIC_PAGE
	ld hl,(cursor_y)
	ex de,hl
	call screen_address
	jp paint_cell_fast
_boom:	ld hl,explode_frames
	dec (hl)
	ret nz
	xor a
	ld (exploding),a
	ld a,SHOT_DONE
	ld (shot_status),a
	ld hl,(boom_y)
	ex de,hl
	call screen_address
	ld bc,pic_blank
	call paint_cell_fast
	ld a,~SND_ALIEN & 0FFh
	jp sound_off

; Main loop: turn the rack when a lit pixel stands in the edge column.
; A look at the pixels (23 bytes, about 280 cycles) rather than at coordinates:
; it is what makes the rules exact, because an explosion at the rim and the
; trail of a lone fast alien also count as "an alien at the edge". New pixels
; can only come from the vblank ISR or from an explosion, so other passes skip.
edge_test:
	ld a,(beam)
	ld hl,exploding
	or (hl)
	ret z
	ld a,(rack_dir)
	or a
	jp nz,_left
	ld hl,RIGHT_EDGE
	call _lit
	ret z
	ld a,1
	ld (rack_dir),a
	ld a,0FEh
_turn:	ld (rack_dx),a
	ld a,(drop)
	ld (rack_dy),a
	ret
_left:	ld hl,LEFT_EDGE
	call _lit
	ret z
	xor a
	ld (rack_dir),a
	ld a,(aliens)
	dec a
	ld a,3			; the last alien runs faster to the right only
	jp z,_turn
	dec a
	jp _turn
_lit:	xor a
	rept EDGE_BYTES-1
	or (hl)
	inc l
	endm
	or (hl)
	ret

; Main loop, only after "aliens" was set to $FF: 55 flags cost 700 cycles.
count_aliens:
	ld a,(page)
	ld h,a
	ld l,0
	ld bc,NUM_ALIENS	; B = live, C = left to look at
_next:	ld a,(hl)
	or a
	jp z,_dead
	inc b
_dead:	inc l
	dec c
	jp nz,_next
	ld a,b
	ld (aliens),a
	ret
