; Points, scores and what depends on them. Main loop only.

; HL = score of the player in turn (low byte; the high byte follows).
own_score:
	ld hl,score_1
	ld a,(page)
	rrca
	ret c
	ld hl,score_2
	ret

; BCD addition; the carry out of 9990 is dropped.
add_points:
	ld a,(points_due)
	or a
	ret z
	xor a
	ld (points_due),a
	ld a,(game_mode)
	or a
	ret z			; the demo plays for nothing
	call own_score
	ld a,(points)
	add a,(hl)
	daa
	ld (hl),a
	inc l
	ld a,(points+1)
	adc a,(hl)
	daa
	ld (hl),a
	dec l
; fall through

; HL -> score low, score high, screen address.
show_score:
	ld e,(hl)
	inc l
	ld d,(hl)
	inc l
	ld a,(hl)
	inc l
	ld h,(hl)
	ld l,a
	push de
	ld a,d
	call print_byte
	pop de
	ld a,e
	jp print_byte

; What follows from the hundreds of the score; only when they changed.
score_rules:
	call own_score
	inc l
	ld a,(hl)
	ld hl,hundreds
	cp (hl)
	ret z
	ld (hl),a
	ld b,a
; How soon aliens fire again.
	ld hl,reload_by_score
_find:	cp (hl)
	inc hl
	jp c,_is
	inc hl
	jp _find
_is:	ld a,(hl)
	ld (reload_rate),a
; One extra ship per player and game.
	ld a,(page)
	rrca
	ld hl,extra_left
	jp c,_own
	inc l
_own:	ld a,(hl)
	or a
	ret z
	ld a,(game_mode)
	or a
	ret z
	in a,(2)
	and 8
	ld a,b
	jp z,_late
	add a,5			; 1000 instead of 1500 (BCD 99 + 5 stays above)
_late:	cp 15h
	ret c
	ld (hl),0
	ld a,(page)
	ld h,a
	ld l,P_SHIPS
	inc (hl)
	ld a,0FFh
	ld (extra_sound),a
	ld a,SND_EXTRA
	call sound_on
	jp show_ships

; Only at game over: the better of the own score and the high score.
keep_high_score:
	call own_score
	ld e,(hl)
	inc l
	ld d,(hl)
	ld hl,high_score+1
	ld a,(hl)
	cp d
	jp c,_better
	ret nz
	dec l
	ld a,(hl)
	inc l
	cp e
	ret nc
_better:
	ld (hl),d
	dec l
	ld (hl),e
	jp show_score
