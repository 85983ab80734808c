; The course of a game: turns, racks, lives, game over; and the main loop.
;
; Everything here runs outside the ISRs. With tasks = 0 the ISRs leave objects
; and screen alone, so screens are built under that.

; One pass after each interrupt: first sleep, so that at the frame-done after
; begin_rack RAM still is the initial image.
main:
	halt
	outp OUT_DOG
	ld a,(player_done)
	or a
	jp nz,life_lost
	call fire_button
	call classify_shot
	call edge_test
	ld a,(aliens)
	inc a
	call z,count_aliens
	call add_points
	ld a,(aliens)
	or a
	jp z,rack_cleared
	cp 9
	jp nc,_slow
	ld a,0FBh		; 8 aliens or fewer: 5 pixels a move
	ld (shot_speed),a
_slow:	call score_rules
	call extra_tick
	ld a,(game_mode)
	or a
	jp nz,main
	ld a,(credits)
	or a
	jp nz,start_prompt
	call demo_think
	jp main

; A turn: the prompt, then the rack. turn_page says whose; the rack is in that
; page.
begin_turn:
	xor a
	ld (tasks),a
	call silence
	call clear_field
	ld hl,SCREEN+COLUMN*56+17
	ld de,text_play
	call print
	ld a,(turn_page)
	sub 21h-1
	call print_digit
	ld a,'>'
	call print_letter
	ld a,(turn_page)
	ld (page),a
	ld a,176
	ld (delay),a
_wait:	halt
	outp OUT_DOG
	call own_score
	ld a,(delay)
	and 4
	jp z,_hide
	call show_score
	jp _more
_hide:	inc l
	inc l
	ld a,(hl)
	inc l
	ld h,(hl)
	ld l,a
	ld de,text_blank
	call print
_more:	ld a,(delay)
	or a
	jp nz,_wait
	call own_score
	call show_score
; fall through

; Put the rack of turn_page on the screen and let it run. The image is copied
; right after the mid interrupt: the next frame-done then sees it untouched.
begin_rack:
	xor a
	ld (tasks),a
	call clear_field
	call draw_ground
	ld a,(turn_page)
	ld h,a
	call put_shields
_sync:	halt
	outp OUT_DOG
	ld a,(beam)
	or a
	jp nz,_sync
	call init_ram
	xor a
	ld (player_done),a
	dec a
	ld (hundreds),a
	ld a,(turn_page)
	ld (page),a
	ld h,a
	ld l,P_Y
	ld a,(hl)
	ld (ref_y),a
	ld (cursor_y),a
	inc l
	ld a,(hl)
	ld (ref_x),a
	ld (cursor_x),a
	ld l,P_DX
	ld a,(hl)
	cp 0FEh
	jp nz,_right		; a saved 3 starts again as 2
	ld (rack_dx),a
	ld a,1
	ld (rack_dir),a
_right:	call show_ships
	ld a,(game_mode)
	or a
	jp z,_go
	ld a,SND_AMP
	call sound_on
	ld a,(page)
	rrca
	jp c,_go
	ld hl,out5		; player 2 of a cocktail table sits opposite
	ld a,(hl)
	or FLIP
	ld (hl),a
_go:	call sound_fleet
	ld a,1
	ld (tasks),a
	jp main

init_ram:
	ld hl,2000h
	ld de,init_image
	ld b,init_image_end-init_image
	jp copy

; All aliens dead. The last explosion and shots in flight run on for 48 frames;
; a player caught by one of them explodes to the end first.
rack_cleared:
	ld a,30h
	ld (delay),a
_wait:	halt
	outp OUT_DOG
	call extra_tick
	ld a,(delay)
	or a
	jp nz,_wait
_die:	ld a,(player_alive)
	inc a
	jp z,_next
	halt
	outp OUT_DOG
	jp _die
_next:	xor a
	ld (tasks),a
	ld a,(game_mode)
	or a
	jp z,demo_over
	call silence
	ld a,(page)
	ld (turn_page),a
	ld h,a
	call fresh_rack
	ld l,P_RACKS
	ld a,(hl)
	inc a
	cp 9
	jp c,_count
	ld a,1
_count:	ld (hl),a
	ld de,rack_heights-1	; 1..8
	add a,e
	ld e,a
	ld a,(de)
	ld l,P_Y
	ld (hl),a
	ld a,(player_done)
	or a
	jp z,begin_rack
	ld a,(invaded)
	or a
	jp nz,game_over
	call take_ship
	jp c,game_over
	call other_player
	jp z,begin_rack
	ld (turn_page),a
	jp begin_turn

; The player's explosion is over.
life_lost:
	xor a
	ld (player_done),a
	ld a,(game_mode)
	or a
	jp z,demo_over
	ld a,(invaded)
	or a
	jp nz,game_over
	call take_ship
	jp c,game_over
	call other_player
	jp z,main		; the same player again: the rack stays as it is
	push af
	call save_rack
	pop af
	ld (turn_page),a
	jp begin_turn

; One ship less in reserve; carry = there was none.
take_ship:
	ld a,(page)
	ld h,a
	ld l,P_SHIPS
	ld a,(hl)
	sub 1
	ret c
	ld (hl),a
	call show_ships
	or a			; no carry
	ret

; A = page of the other player and NZ, if one still is in the game.
other_player:
	ld a,(two_players)
	or a
	ret z
	ld a,(page)
	xor 21h XOR 22h
	ld hl,player_in
	rrca
	jp c,_look
	inc l
_look:	ld a,(hl)
	or a
	ret z
	ld a,(page)
	xor 21h XOR 22h
	ret

game_over:
	xor a
	ld (tasks),a
	ld hl,player_in
	ld a,(page)
	rrca
	jp c,_own
	inc l
_own:	ld (hl),0
	call silence
	call keep_high_score
	ld hl,SCREEN+COLUMN*72+24
	ld de,text_over
	call type_text
	ld a,(two_players)
	or a
	jp z,_rest
	ld hl,SCREEN+COLUMN*72+22
	ld de,text_player
	call print
	ld a,(page)
	sub 21h-1
	call print_digit
	ld a,'>'
	call print_letter
_rest:	ld a,128
	call pause
	call other_player
	jp z,_end
	ld (turn_page),a
	jp begin_turn
_end:	xor a
	ld (game_mode),a
	jp attract

; Ships at the foot of the screen: their number with the one in play, and a
; picture for each in reserve.
show_ships:
	ld a,(page)
	ld h,a
	ld l,P_SHIPS
	ld a,(hl)
	ld c,a
	inc a
	ld hl,SCREEN+COLUMN*8+1
	call print_digit
	ld hl,SCREEN+COLUMN*24+1
	ld a,6
_next:	push af
	ld de,pic_blank
	ld a,c
	or a
	jp z,_paint
	dec c
	ld de,pic_player
_paint:	ld b,16
	call paint_strip
	pop af
	dec a
	jp nz,_next
	ret

show_credits:
	ld hl,SCREEN+COLUMN*192+1
	ld a,(credits)
	jp print_byte

; DE to HL, a letter every 6 frames.
type_text:
	ld a,(de)
	or a
	ret z
	inc de
	call print_letter
	ld a,6
	call pause
	jp type_text

; A frames. A coin ends every pause of the attract mode.
pause:
	ld (delay),a
_wait:	halt
	outp OUT_DOG
	ld a,(game_mode)
	or a
	jp nz,_go
	ld a,(credits)
	or a
	jp nz,start_prompt
_go:	ld a,(delay)
	or a
	jp nz,_wait
	ret
