; Attract mode: title and score table, a demo game, how to start; and round
; again. A coin leads out of any pause (game.asm).

attract:
	ld sp,STACK
	xor a
	ld (attract_task),a
	ld (player_done),a
	inc a
	ld (tasks),a
	call silence
	call draw_frame
attract_title:
	call clear_field
	ld hl,SCREEN+COLUMN*24+24
	ld de,text_title
	call print_large
	ld a,64
	call pause
	ld hl,SCREEN+COLUMN*40+20
	ld de,text_table
	call type_text
	ld hl,score_lines
_line:	ld e,(hl)		; picture; 0 ends the list
	inc hl
	ld d,(hl)
	inc hl
	ld a,d
	or e
	jp z,_done
	ld b,(hl)		; its width
	inc hl
	ld a,(hl)		; screen
	inc hl
	push hl
	ld h,(hl)
	ld l,a
	call paint_strip
	pop hl
	inc hl
	jp _line
_done:	ld hl,SCREEN+COLUMN*88+17
	ld de,text_mystery
	call type_text
	ld hl,SCREEN+COLUMN*88+15
	ld de,text_30
	call type_text
	ld hl,SCREEN+COLUMN*88+13
	ld de,text_20
	call type_text
	ld hl,SCREEN+COLUMN*88+11
	ld de,text_10
	call type_text
	ld a,128
	call pause
	call fly_by
	ld a,64
	call pause
	jp demo_start

; After the demo.
attract_coins:
	call clear_field
	ld hl,attract_variant
	ld a,(hl)
	xor 1
	ld (hl),a
	ld hl,SCREEN+COLUMN*64+20
	ld de,text_insert
	call type_text
	in a,(2)
	rlca
	jp c,_hidden		; DIP switch: no coin information
	ld hl,SCREEN+COLUMN*40+16
	ld de,text_coin_1
	call type_text
	ld hl,SCREEN+COLUMN*40+14
	ld de,text_coin_2
	call type_text
_hidden:
	ld a,128
	call pause
	jp attract_title

; A saucer crosses under the title. attract_task 2: the ISRs keep off.
fly_by:
	ld a,2
	ld (attract_task),a
	ld hl,SCREEN+7
	ld b,199
_step:	push bc
	push hl
	ld de,pic_saucer
	ld b,24
	call paint_strip
	ld a,1
	call pause
	pop hl
	ld bc,COLUMN
	add hl,bc		; one column: the blank margin wipes the trail
	pop bc
	dec b
	jp nz,_step
	ld de,pic_no_saucer
	ld bc,-COLUMN
	add hl,bc
	ld b,24
	call paint_strip
	xor a
	ld (attract_task),a
	ret

; Score line at the top, credits at the foot; the ships' place empty.
draw_frame:
	ld hl,SCREEN+30
	ld de,text_header
	call print
	ld hl,score_1
	call show_score
	ld hl,score_2
	call show_score
	ld hl,high_score
	call show_score
	ld hl,SCREEN+COLUMN*8+1
	ld b,128
_clear:	ld (hl),0
	ld de,COLUMN
	add hl,de
	dec b
	jp nz,_clear
	ld hl,SCREEN+COLUMN*136+1
	ld de,text_credit
	call print
	jp show_credits

; B columns of 8 rows from DE to HL; from anywhere, unlike paint_strip_16.
paint_strip:
	ld a,(de)
	ld (hl),a
	inc de
	ld a,l
	add a,COLUMN
	ld l,a
	jp nc,_same
	inc h
_same:	dec b
	jp nz,paint_strip
	ret
