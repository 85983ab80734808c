; From the coin to the first turn of a game.

; A coin is in: wait for a start button. Reached from any depth of attract.
start_prompt:
	ld sp,STACK
	xor a
	ld (tasks),a
	ld (attract_task),a
	call silence
	call clear_field
	call draw_frame
	ld hl,SCREEN+COLUMN*92+20
	ld de,text_press
	call print
	ld a,1
	ld (waiting_start),a
	ld c,0
_loop:	ld a,(credits)
	cp c
	jp z,_look		; C = credits the text was printed for
	ld c,a
	ld de,text_one
	dec a
	jp z,_text
	ld de,text_both
_text:	ld hl,SCREEN+COLUMN*40+17
	call print
_look:	halt
	outp OUT_DOG
	in a,(1)
	ld b,a
	and 4
	jp nz,_one
	ld a,b
	and 2
	jp z,_loop
	ld a,(credits)
	cp 2
	jp c,_loop
	ld a,1
	ld b,98h		; BCD: -2
	jp new_game
_one:	xor a
	ld b,99h		; BCD: -1
; fall through

; A = two players, B = what to add to the credits.
new_game:
	ld (two_players),a
	ld a,(credits)
	add a,b
	daa
	ld (credits),a
	call show_credits
	ld hl,0
	ld (score_1),hl
	ld (score_2),hl
	ld hl,score_1
	call show_score
	ld hl,score_2
	call show_score
	ld hl,0101h
	ld (extra_left),hl
	ld (player_in),hl
	ld h,22h
	call new_page
	ld h,21h
	call new_page
	ld a,h
	ld (turn_page),a
	xor a
	ld (waiting_start),a
	ld (attract_task),a
	inc a
	ld (game_mode),a
	jp begin_turn

; H = page: the first rack, and ships by the DIP switches. Keeps H.
new_page:
	in a,(2)
	and 3
	add a,2			; 3 to 6 ships, one of them in play
	ld l,P_SHIPS
	ld (hl),a
	dec l
	ld (hl),0
	ld l,P_Y
	ld (hl),78h
	jp fresh_rack
