; The demo game: the real game, played by the few rules below.

demo_start:
	call clear_field
	ld h,21h
	ld l,P_SHIPS
	ld a,(hl)
	push af
	call new_page
	pop af
	or a
	jp z,_ships		; a game just ended: the DIP switches' number
	ld l,P_SHIPS
	ld (hl),a
_ships:	ld a,h
	ld (turn_page),a
	ld a,5
	ld (demo_column),a
	xor a
	ld (tasks),a
	inc a
	ld (attract_task),a
	jp begin_rack

demo_over:
	ld sp,STACK
	call silence
	xor a
	ld (attract_task),a
	inc a
	ld (tasks),a
	call draw_frame
	jp attract_coins

; What the demo's stick says, as bits of the port. The trigger is let go
; whenever the game waits for that.
demo_stick:
	ld a,(fire_held)
	dec a
	and 10h			; released after a shot, else pressed
	ld b,a
	ld a,(demo_command)
	dec a
	ld a,b
	jp m,_none
	jp nz,_left
	or 40h
	ret
_left:	or 20h
_none:	ret

; Once a pass: dodge what falls near, else get under the hunted column.
demo_think:
	ld a,(beam)
	or a
	ret z
	ld a,(player_x)
	add a,8
	ld b,a			; B = the gun
	ld hl,rolling+B_X
	call _danger
	jp c,_flee
	ld hl,plunger+B_X
	call _danger
	jp c,_flee
	ld hl,squiggly+B_X
	call _danger
	jp c,_flee
	ld a,(page)
	ld h,a
	ld a,(demo_column)
	ld l,a
	ld c,5
_row:	ld a,(hl)		; any alien left in the column?
	or a
	jp nz,_hunt
	ld a,l
	add a,ALIEN_COLUMNS
	ld l,a
	dec c
	jp nz,_row
	ld hl,demo_column
	ld a,(hl)
	add a,4			; 4 and 11 have no common factor: all columns in turn
	cp ALIEN_COLUMNS
	jp c,_column
	sub ALIEN_COLUMNS
_column:
	ld (hl),a
	ret
; Aim ahead of the rack by what it moves while a shot climbs, roughly.
_hunt:	ld a,(demo_column)
	add a,a
	add a,a
	add a,a
	add a,a
	ld hl,ref_x
	add a,(hl)
	add a,8
	ld c,a
	ld a,(rack_dir)
	or a
	ld a,c
	jp nz,_west
	add a,4
	jp _aim
_west:	sub 4
_aim:	sub b			; target - gun
	jp z,_stay
	jp c,_go_left
	ld a,1
	jp _set
_go_left:
	ld a,2
	jp _set
_stay:	xor a
_set:	ld (demo_command),a
	ret
; A = 1 when the shot is to the right of the gun: run left.
_flee:	inc a
	ld (demo_command),a
	ret

; HL -> X of an alien shot. Carry = it is low and within 10 columns of B;
; then A = 1 if it is right of (or on) the gun, else 0.
_danger:
	ld a,(hl)
	dec l
	ld c,(hl)
	sub b
	jp nc,_east
	cp -11
	ccf
	ret nc
	ld a,c
	dec a
	cp 5Fh			; 1..$5F: in flight (0 is at rest) and near
	ld a,0
	ret
_east:	cp 11
	ret nc
	ld a,c
	dec a
	cp 5Fh
	ld a,1
	ret
