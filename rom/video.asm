; Drawing. The screen byte of column c, row r is $2400 + 32*c + r/8, bit r&7:
; a byte is a vertical strip of eight pixels, bit 0 lowest.

; D = X (column + $20), E = Y. Out: HL. Keeps BC, DE.
; (X*32 + Y/8) + $2000: the offset in X and the $2400 of the screen cancel out.
screen_address:
	ld a,d
	rrca
	rrca
	rrca
	ld l,a
	and 1Fh
	or 20h
	ld h,a
	ld a,e
	rrca
	rrca
	rrca
	xor l
	and 1Fh
	xor l
	ld l,a
	ret

; ISR only (SP reads the picture; an interrupt would write into it): overwrite
; 16 columns x 16 rows at HL with the picture BC below and blank above.
; 34 cycles a column instead of 44.
paint_cell_fast:
	ex de,hl
	ld hl,0
	add hl,sp
	ld (saved_sp),hl
	ld h,b
	ld l,c
	ld sp,hl
	ex de,hl
	ld bc,COLUMN-1
	rept 8
	pop de
	ld (hl),e
	inc l
	ld (hl),b
	add hl,bc
	ld (hl),d
	inc l
	ld (hl),b
	add hl,bc
	endm
	ld hl,(saved_sp)
	ld sp,hl
	ret

; The same from anywhere: HL = screen, DE = picture.
paint_cell:
	ld bc,1000h + COLUMN-1
_next:	ld a,(de)
	ld (hl),a
	inc l
	ld (hl),0
	inc de
	ld a,b
	ld b,0
	add hl,bc
	ld b,a
	dec b
	jp nz,_next
	ret

; ISR only: overwrite 24 or 16 columns x 8 rows at HL with the picture BC.
paint_strip_24:
	ex de,hl
	ld hl,0
	add hl,sp
	ld (saved_sp),hl
	ld h,b
	ld l,c
	ld sp,hl
	ex de,hl
	ld bc,COLUMN
	rept 4
	pop de
	ld (hl),e
	add hl,bc
	ld (hl),d
	add hl,bc
	endm
	jp paint_strip_rest
paint_strip_16:
	ex de,hl
	ld hl,0
	add hl,sp
	ld (saved_sp),hl
	ld h,b
	ld l,c
	ld sp,hl
	ex de,hl
	ld bc,COLUMN
paint_strip_rest:
	rept 8
	pop de
	ld (hl),e
	add hl,bc
	ld (hl),d
	add hl,bc
	endm
	ld hl,(saved_sp)
	ld sp,hl
	ret

; Sprites at any height, through the shifter (ISR only). All three take
; D = X, E = Y, B = columns, C = low byte of the picture, and keep DE.
; They differ in what happens to the screen byte; a shared loop with a switch
; inside would cost a third more.

erase_sprite:
	push de
	call screen_address
	ld a,e
	outp OUT_SHIFT
	ld e,c
	ld d,PIC_PAGE
_next:	ld a,(de)
	inc e
	outp OUT_DATA
	in a,(3)
	cpl
	and (hl)
	ld (hl),a
	inc l
	xor a
	outp OUT_DATA
	in a,(3)
	cpl
	and (hl)
	ld (hl),a
	ld a,l
	add a,COLUMN-1
	ld l,a
	jp nc,_same
	inc h
_same:	dec b
	jp nz,_next
	pop de
	ret

or_sprite:
	push de
	call screen_address
	ld a,e
	outp OUT_SHIFT
	ld e,c
	ld d,PIC_PAGE
_next:	ld a,(de)
	inc e
	outp OUT_DATA
	in a,(3)
	or (hl)
	ld (hl),a
	inc l
	xor a
	outp OUT_DATA
	in a,(3)
	or (hl)
	ld (hl),a
	ld a,l
	add a,COLUMN-1
	ld l,a
	jp nc,_same
	inc h
_same:	dec b
	jp nz,_next
	pop de
	ret

; As or_sprite, and sets "touched" when a pixel under it was lit.
touch_sprite:
	push de
	call screen_address
	ld a,e
	outp OUT_SHIFT
	ld e,c
	ld d,PIC_PAGE
_next:	ld a,(de)
	inc e
	outp OUT_DATA
	in a,(3)
	ld c,a
	and (hl)
	call nz,_touch
	ld a,c
	or (hl)
	ld (hl),a
	inc l
	xor a
	outp OUT_DATA
	in a,(3)
	ld c,a
	and (hl)
	call nz,_touch
	ld a,c
	or (hl)
	ld (hl),a
	ld a,l
	add a,COLUMN-1
	ld l,a
	jp nc,_same
	inc h
_same:	dec b
	jp nz,_next
	pop de
	ret
_touch:	ld a,1
	ld (touched),a
	ret

; B bytes from DE to HL.
copy:	ld a,(de)
	ld (hl),a
	inc de
	inc hl
	dec b
	jp nz,copy
	ret

; Blank rows 16..223 of all columns: the playfield without score and ships.
clear_field:
	ld hl,SCREEN+2
	ld b,224
_column:
	xor a
	ld c,13
_byte:	ld (hl),a
	inc l
	ld (hl),a
	inc l
	dec c
	jp nz,_byte
	ld de,COLUMN-26
	add hl,de
	dec b
	jp nz,_column
	ret

draw_ground:
	ld hl,SCREEN+2
	ld de,COLUMN
	ld b,224
_next:	ld a,(hl)
	or 1
	ld (hl),a
	add hl,de
	dec b
	jp nz,_next
	ret

; Text: DE = string ended by 0, HL = screen of its first letter; 8 columns a
; letter, the foot of the letter on bit 0.
print:	ld a,(de)
	or a
	ret z
	inc de
	call print_letter
	jp print

; A byte as two BCD digits.
print_byte:
	push af
	rrca
	rrca
	rrca
	rrca
	call print_digit
	pop af
print_digit:
	and 0Fh
	add a,'0'
; fall through

; A = ASCII, HL = screen; HL moves on, DE is kept.
print_letter:
	push de
	ld de,blank_letter
	sub '*'
	jp c,_draw		; a space
	push hl
	ld l,a
	ld h,0
	add hl,hl
	add hl,hl
	add hl,hl
	ld de,font
	add hl,de
	ex de,hl
	pop hl
_draw:	ld b,8
_next:	ld a,(de)
	ld (hl),a
	inc de
	push de
	ld de,COLUMN
	add hl,de
	pop de
	dec b
	jp nz,_next
	pop de
	ret

; Twice as wide and high, for the title. HL = screen of the lower half.
print_large:
	ld a,(de)
	or a
	ret z
	inc de
	push de
	push hl
	ld de,blank_letter
	sub '*'
	jp c,_draw
	ld l,a
	ld h,0
	add hl,hl
	add hl,hl
	add hl,hl
	ld de,font
	add hl,de
	ex de,hl
_draw:	pop hl
	ld b,8
_next:	ld a,(de)
	inc de
	push de
	push bc
	ld b,a
	call _double
	ld c,d			; lower half
	call _double		; D = upper half
	ld a,2
_twice:	ld (hl),c
	inc l
	ld (hl),d
	push de
	ld de,COLUMN-1
	add hl,de
	pop de
	dec a
	jp nz,_twice
	pop bc
	pop de
	dec b
	jp nz,_next
	pop de
	jp print_large
; D = the low four bits of B, each twice; B moves on by four bits.
_double:
	ld e,4
_bit:	ld a,b
	rrca
	ld b,a
	ld a,d
	rra			; the bit enters from above ...
	ld d,a
	ld a,b
	rlca			; (the same bit again)
	ld a,d
	rra
	ld d,a
	dec e
	jp nz,_bit
	ret
