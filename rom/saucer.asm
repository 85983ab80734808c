; The saucer. It takes the squiggly shot's turn in phase 2, so one saucer tick
; is three frames. While none flies, saucer_x and saucer_dx hold the next
; flight, chosen anew by every finished player shot (player_shot.asm).

; vblank ISR: the clock runs only once the rack has come down a step.
saucer_clock:
	ld a,(ref_y)
	cp 78h
	ret nc
	ld hl,(saucer_wait)
	dec hl
	ld a,h
	or l
	jp nz,_set
	inc a
	ld (saucer_due),a
	ld hl,600h
_set:	ld (saucer_wait),hl
	ret

saucer_start:
	ld a,1
	ld (saucer_on),a
	ld a,SND_SAUCER
	call sound_on
	ld bc,pic_saucer
	jp saucer_draw

saucer_tick:
	ld hl,saucer_x
	ld a,(beam)
	xor (hl)
	ret m
	ld a,(saucer_hit)
	or a
	jp nz,_hit
	ld a,(saucer_dx)
	add a,(hl)
	ld (hl),a
	cp 28h
	jp c,saucer_gone
	cp 0E1h
	jp nc,saucer_gone
	ld bc,pic_saucer
	jp saucer_draw

_hit:	ld hl,saucer_timer
	dec (hl)
	jp z,saucer_gone
	ld a,(hl)
	cp 31
	jp z,_boom
	cp 24
	ret nz
; Eight ticks after the hit the score is fixed: a shot finished meanwhile
; counts.
	ld hl,score_index
	ld a,(hl)
	ld hl,saucer_scores
	add a,l
	ld l,a
	ld a,(hl)		; 0..3
	ld hl,saucer_values
	add a,a
	add a,a
	add a,l
	ld l,a
	ld a,(hl)
	ld (points),a
	inc l
	ld a,(hl)
	ld (points+1),a
	inc l
	ld c,(hl)
	inc l
	ld b,(hl)
	ld a,1
	ld (points_due),a
	jp saucer_draw
_boom:	ld a,~SND_SAUCER & 0FFh
	call sound_off
	ld hl,out5
	ld a,(hl)
	or SND5_SAUCER
	ld (hl),a
	call sound_fleet
	ld bc,pic_saucer_boom
; fall through

; BC = picture of 24 columns; the full cell is overwritten, which wipes the
; trail.
saucer_draw:
	ld hl,(saucer_y)
	ex de,hl
	call screen_address
	jp paint_strip_24

saucer_gone:
	ld bc,pic_no_saucer
	call saucer_draw
	ld hl,saucer_due
	ld de,init_image+83h
	ld b,10
	call copy
	ld hl,out5
	ld a,(hl)
	and ~SND5_SAUCER & 0FFh
	ld (hl),a
	call sound_fleet
	ld a,~SND_SAUCER & 0FFh
	jp sound_off
