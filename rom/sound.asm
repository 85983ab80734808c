; Sound bits. out3 and out5 are shadows: the ports cannot be read back.
; Bits are set and cleared from ISRs and from the main loop's pass; a pass ends
; long before the next interrupt, so the read-modify-write is safe.

sound_on:			; A = bits; keeps BC, DE
	ld hl,out3
	or (hl)
	ld (hl),a
	outp OUT_SOUND
	ret

sound_off:			; A = complement of the bits; keeps BC, DE
	ld hl,out3
	and (hl)
	ld (hl),a
	outp OUT_SOUND
	ret

; The fleet's four-tone march, its pace set by the number of aliens. vblank
; ISR, in a real game only.
fleet_tick:
	ld a,(game_mode)
	or a
	ret z
	ld hl,fleet_hold
	ld a,(hl)
	or a
	jp z,_count
	dec (hl)
	call z,sound_fleet
_count:	ld a,(player_ok)
	or a
	ret z
	ld hl,fleet_count
	dec (hl)
	ret nz
	ld a,(aliens)
	ld hl,fleet_pace
_find:	cp (hl)			; threshold, then period
	inc hl
	jp nc,_pace
	inc hl
	jp _find
_pace:	ld a,(hl)
	ld (fleet_count),a
	ld (fleet_reload),a
	ld a,4
	ld (fleet_hold),a
	ld hl,out5
	ld a,(hl)
	ld c,a
	and 0Fh
	rlca
	cp 10h
	jp nz,_tone
	ld a,1
_tone:	ld b,a
	ld a,c
	and 0F0h
	or b
	ld (hl),a
; fall through

; OUT 5 = the flags, plus the tone while it is held.
sound_fleet:
	ld a,(fleet_hold)
	or a
	ld a,(out5)
	jp nz,_out
	and 0F0h
_out:	outp OUT_FLEET
	ret

silence:
	xor a
	ld (fleet_hold),a
	ld (out3),a
	outp OUT_SOUND
	jp sound_fleet

; Main loop: end of the extra ship's jingle.
extra_tick:
	ld hl,extra_sound
	ld a,(hl)
	or a
	ret z
	dec (hl)
	ret nz
	ld a,~SND_EXTRA & 0FFh
	jp sound_off
