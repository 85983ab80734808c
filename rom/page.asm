; A player's page ($2100, $2200): alien flags, saved shields, rack, ships.

; H = page: all aliens, whole shields, moving right from the left. Keeps H.
fresh_rack:
	ld l,P_DX
	ld (hl),2
	ld l,P_X
	ld (hl),38h
	ld l,0
	ld b,NUM_ALIENS
_alien:	ld (hl),1
	inc l
	dec b
	jp nz,_alien
	ld l,P_SHIELDS
	ld c,4
_next:	ld de,shield
	ld b,44
	call copy
	dec c
	jp nz,_next
	ret

; H = page: its saved shields to the screen.
put_shields:
	ld l,P_SHIELDS
	ex de,hl
	ld hl,2806h
	ld c,4
_shield:
	ld b,22
_column:
	ld a,(de)
	inc e
	ld (hl),a
	inc l
	ld a,(de)
	inc e
	ld (hl),a
	ld a,l
	add a,COLUMN-1
	ld l,a
	jp nc,_same
	inc h
_same:	dec b
	jp nz,_column
	ld a,l			; 45 columns from shield to shield
	add a,(45-22)*COLUMN & 0FFh
	ld l,a
	ld a,h
	adc a,(45-22)*COLUMN / 256
	ld h,a
	dec c
	jp nz,_shield
	ret

; The turn ends with the rack as it stands: shields and reference go into the
; player's page.
save_rack:
	ld a,(page)
	ld d,a
	ld e,P_DX
	ld a,(rack_dx)
	ld (de),a
	inc e
	ld a,(ref_y)
	ld (de),a
	inc e
	ld a,(ref_x)
	ld (de),a
	ld e,P_SHIELDS
	ld hl,2806h
	ld c,4
_shield:
	ld b,22
_column:
	ld a,(hl)
	ld (de),a
	inc e
	inc l
	ld a,(hl)
	ld (de),a
	inc e
	ld a,l
	add a,COLUMN-1
	ld l,a
	jp nc,_same
	inc h
_same:	dec b
	jp nz,_column
	ld a,l
	add a,(45-22)*COLUMN & 0FFh
	ld l,a
	ld a,h
	adc a,(45-22)*COLUMN / 256
	ld h,a
	dec c
	jp nz,_shield
	ret
