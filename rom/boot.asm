; Reset, the two interrupt vectors and their service routines.
;
; All game motion happens in the ISRs; the main loop (game.asm) does one pass
; of decisions after each of them and then executes HLT. So the CPU sleeps most
; of the frame, which an emulator can skip over, and RAM is never caught half
; written at frame-done. Invariants:
;   - an ISR stays far below 16,384 cycles: an interrupt that arrives while
;     interrupts are off is lost on this board;
;   - nothing outside reset ever disables interrupts;
;   - only ISRs use the shifter and the stack-pointer painting in video.asm;
;   - every use of the shifter leaves a zero byte in it.

	nop
	jp reset
	ds 8 - 4

; RST 1: the beam is in the middle of the screen (line 96).
	push af
	push bc
	push de
	push hl
	jp mid_isr
	ds 1

; RST 2: start of vertical blanking (line 224).
	push af
	push bc
	push de
	push hl
; fall through: there is no third vector on this board

vblank_isr:
	ld a,80h
	ld (beam),a
	ld hl,delay
	dec (hl)
	call coin_slot
	ld a,(tasks)
	or a
	jp z,isr_end
	ld a,(game_mode)
	ld hl,attract_task
	or (hl)			; a game, or the demo; other attract tasks move no object
	dec a
	jp nz,isr_end
	call fleet_tick
	ld a,(rolling+B_COUNT)
	ld (shot_phase),a
	call alien_tick
	call player_tick
	call run_shots
	call saucer_clock
isr_end:
	pop hl
	pop de
	pop bc
	pop af
	ei
	ret

mid_isr:
	xor a
	ld (beam),a
	ld a,(tasks)
	or a
	jp z,isr_end
	ld a,(game_mode)
	ld hl,attract_task
	or (hl)
	dec a
	jp nz,isr_end
	call run_shots
	call advance_cursor
	jp isr_end

; Objects 1 to 4. Each is handled in one of the two ISRs only: the one whose
; half of the screen the beam has just left (see the beam tests).
run_shots:
	ld a,(shot_status)
	or a
	call nz,player_shot_tick
	call rolling_tick
	call plunger_tick
	jp squiggly_tick

; One coin per 1 -> 0 edge of IN1 bit 0 (active low). 99 credits are the limit.
coin_slot:
	in a,(1)
	and 1
	ld hl,coin_switch
	cp (hl)
	ret z
	ld (hl),a
	or a
	ret nz
	ld hl,credits
	ld a,(hl)
	cp 99h
	ret z
	add a,1
	daa
	ld (hl),a
	jp show_credits

; Interrupts are off from here to the EI. RAM and screen hold noise (or, after
; the watchdog bit, the old game).
reset:
	ld sp,STACK
	ld hl,2000h
	xor a
_wipe:	ld (hl),a
	inc l
	jp nz,_wipe
	inc h
	ld a,h
	cp 40h
	ld a,0
	jp nz,_wipe
	outp OUT_SOUND
	outp OUT_FLEET
	outp OUT_DATA		; two zero bytes empty the shifter
	outp OUT_DATA
	outp OUT_DOG
	inc a
	ld (coin_switch),a	; a coin switch at rest must not count as an edge
	ld hl,271Ch
	ld (score_1+2),hl
	ld hl,391Ch
	ld (score_2+2),hl
	ld hl,2F1Ch
	ld (high_score+2),hl
	call init_ram
	ei
	jp attract
