; Tables. Those read with 8-bit index arithmetic must not cross a page; the
; checks at the end of each group stop the assembly if one does.

; Column*16 + row of each alien: X and Y offset of its cell in one byte.
	ds (256 - ($ & 0FFh)) & 0FFh
cell_of:
	db 000h,010h,020h,030h,040h,050h,060h,070h,080h,090h,0A0h
	db 001h,011h,021h,031h,041h,051h,061h,071h,081h,091h,0A1h
	db 002h,012h,022h,032h,042h,052h,062h,072h,082h,092h,0A2h
	db 003h,013h,023h,033h,043h,053h,063h,073h,083h,093h,0A3h
	db 004h,014h,024h,034h,044h,054h,064h,074h,084h,094h,0A4h

; By row, bottom first: low byte of the picture, points in BCD.
row_picture:
	db pic_low_a & 0FFh, pic_low_a & 0FFh
	db pic_mid_a & 0FFh, pic_mid_a & 0FFh
	db pic_top_a & 0FFh
row_points:
	db 10h,10h,20h,20h,30h

; Column (1..11) of each plunger and squiggly shot: plunger the first 16, over
; and over, squiggly the last 15. How often a column comes is part of the rules
; (plunger: 1 seven times, 11 twice, never 5 and 10; squiggly: 1 and 11 three
; times, 2 twice, never 5); the order is this game's own.
plunger_columns:
	db 1,1,4,1,1,1
squiggly_columns:
	db 11,1,6,3,8,1,2,11,7,9
plunger_end:
	db 2,10,4,11,1
squiggly_end:

; Saucer points by finished shots modulo 15, as an index into saucer_values.
saucer_scores:
	db 1,0,0,1,2,1,1,0,3,1,1,1,0,2,1

; Points in BCD, low byte first, and their picture.
saucer_values:
	db 50h,00h
	dw pic_points_50
	db 00h,01h
	dw pic_points_100
	db 50h,01h
	dw pic_points_150
	db 00h,03h
	dw pic_points_300

; Start height of the rack by racks cleared, 1..8; then 1 again.
rack_heights:
	db 60h,50h,48h,48h,48h,40h,40h,40h

; Below these hundreds of points: this reload rate.
reload_by_score:
	db 03h,30h, 11h,10h, 21h,0Bh, 31h,08h, 0FFh,07h

; Live aliens at least, frames from one fleet tone to the next.
fleet_pace:
	db 50,52, 43,46, 36,39, 28,34, 22,28, 17,24, 13,21, 10,19
	db 8,16, 7,14, 6,13, 5,12, 4,11, 3,9, 2,7, 0,5
page_tables_end:

	if (cell_of / 256) - ((page_tables_end - 1) / 256)
	error "tables.asm: the 8-bit indexed tables cross a page"
	endif

; $2000-$20BF at the start of every rack, turn and demo.
init_image:
	db 01h,00h,00h,10h,00h,00h,00h,00h,02h,78h,38h,78h,38h,00h,0F8h,00h
	db 00h,80h,00h,00h,00h,0FFh,05h,0Ch,00h,00h,20h,30h,10h,01h,00h,00h
	db 00h,00h,00h,00h,00h,00h,10h,00h,00h,28h,30h,01h,04h,00h,00h,00h
	db 00h,00h,02h,00h,00h,00h,00h,00h,00h,00h,04h,pic_rolling & 0FFh,00h,00h,00h,03h
	db 00h,00h,00h,00h,00h,00h,00h,01h
	dw plunger_columns
	db 04h,pic_plunger & 0FFh,00h,00h,00h,03h
	db 00h,00h,00h,00h,00h,00h,00h,01h
	dw squiggly_columns
	db 04h,pic_squiggly & 0FFh,00h,00h,00h,03h
	db 0FFh,00h,00h,00h,00h,00h,10h,21h,01h,00h,30h,00h,00h,00h,00h,00h
	db 00h,00h,00h,00h,00h,00h,00h,00h,00h,00h,00h,00h,00h,00h,0FCh,00h
	db 01h,00h,0FFh,00h,00h,00h,20h,00h,00h,0D0h,29h,18h,02h,00h,00h,00h
	db 08h,00h,06h,00h,00h,01h,40h,00h,01h,00h,00h,10h,00h,00h,00h,00h
	ds 20h
init_image_end:

; A shield: 22 columns of 16 rows, two bytes each, low rows first.
shield:
	db %11111111,%00011111
	db %11111111,%00111111
	db %11111111,%01111111
	db %11111111,%11111111
	db %11111111,%11111111
	db %11111111,%11111111
	db %11111100,%11111111
	db %11111000,%11111111
	db %11110000,%11111111
	db %11100000,%11111111
	db %11100000,%11111111
	db %11100000,%11111111
	db %11100000,%11111111
	db %11110000,%11111111
	db %11111000,%11111111
	db %11111100,%11111111
	db %11111111,%11111111
	db %11111111,%11111111
	db %11111111,%11111111
	db %11111111,%01111111
	db %11111111,%00111111
	db %11111111,%00011111

; The saucer: cells of 24 columns.
pic_saucer:              ; the saucer: 16 x 7, lit columns 4..19 of its 24
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000100
	db %00001100
	db %00011110
	db %00110111
	db %00111111
	db %00111110
	db %01110100
	db %01111100
	db %01111100
	db %01110100
	db %00111110
	db %00111111
	db %00110111
	db %00011110
	db %00001100
	db %00000100
	db %00000000
	db %00000000
	db %00000000
	db %00000000

pic_saucer_boom:         ; a dying saucer: lit columns 1..21 only, see the edge test in rack.asm
	db %00000000
	db %10000010
	db %00010000
	db %01000101
	db %00000000
	db %10111010
	db %00011000
	db %00110100
	db %01111101
	db %00111110
	db %00011100
	db %10111001
	db %00101100
	db %01111100
	db %00111110
	db %10011000
	db %00100001
	db %00000100
	db %00010000
	db %01000001
	db %00001010
	db %10000000
	db %00000000
	db %00000000

pic_points_50:           ; 50 points
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %01111001
	db %01001001
	db %01001111
	db %00000000
	db %00000000
	db %01111111
	db %01000001
	db %01111111
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000

pic_points_100:          ; 100 points
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00100001
	db %01111111
	db %00000001
	db %00000000
	db %00000000
	db %01111111
	db %01000001
	db %01111111
	db %00000000
	db %00000000
	db %01111111
	db %01000001
	db %01111111
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000

pic_points_150:          ; 150 points
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00100001
	db %01111111
	db %00000001
	db %00000000
	db %00000000
	db %01111001
	db %01001001
	db %01001111
	db %00000000
	db %00000000
	db %01111111
	db %01000001
	db %01111111
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000

pic_points_300:          ; 300 points
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %01000001
	db %01001001
	db %01111111
	db %00000000
	db %00000000
	db %01111111
	db %01000001
	db %01111111
	db %00000000
	db %00000000
	db %01111111
	db %01000001
	db %01111111
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000

pic_no_saucer:
	ds 24
