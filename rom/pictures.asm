; Pictures that must share one page: alien cells, player, shots, explosions.
;
; One line is one screen column, left to right, and the rightmost bit is the
; lowest pixel: turn the page a quarter turn to the left and the
; picture stands upright.
;
; Extents are rules, not taste: what a shot can hit and where the rack turns
; depend on them. Aliens light every column from their first to their last in
; both frames.

	ds (256 - ($ & 0FFh)) & 0FFh
PIC_PAGE	equ $ / 256

pic_low_a:               ; rows 0 and 1, frame 0: 12 wide, 2 blank columns each side
	db %00000000
	db %00000000
	db %00011000
	db %10111101
	db %01111111
	db %00101110
	db %01101100
	db %01111110
	db %01111110
	db %01101100
	db %00101110
	db %01111111
	db %10111101
	db %00011000
	db %00000000
	db %00000000

pic_low_b:               ; rows 0 and 1, frame 1
	db %00000000
	db %00000000
	db %10011001
	db %01111110
	db %00111110
	db %00101101
	db %01101110
	db %01111100
	db %01111100
	db %01101110
	db %00101101
	db %00111110
	db %01111110
	db %10011001
	db %00000000
	db %00000000

pic_mid_a:               ; rows 2 and 3, frame 0: 11 wide, 3 blank columns on the left
	db %00000000
	db %00000000
	db %00000000
	db %11100000
	db %01110000
	db %00111000
	db %00010101
	db %01111110
	db %11111100
	db %01111110
	db %00010101
	db %00111000
	db %01110000
	db %11100000
	db %00000000
	db %00000000

pic_mid_b:               ; rows 2 and 3, frame 1
	db %00000000
	db %00000000
	db %00000000
	db %00011110
	db %00011100
	db %00011000
	db %00010101
	db %01111111
	db %11111100
	db %01111111
	db %00010101
	db %00011000
	db %00011100
	db %00011110
	db %00000000
	db %00000000

pic_top_a:               ; row 4, frame 0: 8 wide, 4 blank columns each side
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %10001110
	db %01011100
	db %00101001
	db %01111110
	db %01111110
	db %00101001
	db %01011100
	db %10001110
	db %00000000
	db %00000000
	db %00000000
	db %00000000

pic_top_b:               ; row 4, frame 1
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00110001
	db %00011001
	db %01101010
	db %10111110
	db %10111110
	db %01101010
	db %00011001
	db %00110001
	db %00000000
	db %00000000
	db %00000000
	db %00000000

pic_alien_boom:          ; a dying alien; lit columns 1..13 only, so that at the rack limits it reaches the edge column as an alien would
	db %00000000
	db %10010001
	db %00010000
	db %01000010
	db %00100100
	db %00001000
	db %00010000
	db %11000011
	db %00010000
	db %00001000
	db %00100100
	db %01000010
	db %00010000
	db %10010001
	db %00000000
	db %00000000

pic_blank:               ; sixteen empty columns: erases an alien cell or the player
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000
	db %00000000

pic_player:              ; the player: lit columns 2..14, gun in column 8
	db %00000000
	db %00000000
	db %00001111
	db %00011111
	db %00011010
	db %00011111
	db %00011111
	db %01111010
	db %11011111
	db %01111010
	db %00011111
	db %00011111
	db %00011010
	db %00011111
	db %00001111
	db %00000000

pic_player_boom_a:       ; the player exploding
	db %00000000
	db %00000000
	db %00000001
	db %00001011
	db %00100011
	db %10000011
	db %00001111
	db %00111111
	db %00011111
	db %10000111
	db %00000011
	db %01011011
	db %00000011
	db %00001001
	db %00000001
	db %00000000

pic_player_boom_b:       ; the player exploding, other frame
	db %00000000
	db %00000000
	db %10001001
	db %00000011
	db %01000111
	db %00010011
	db %00000101
	db %00011111
	db %10010111
	db %00101111
	db %00000011
	db %01000111
	db %00000010
	db %00010001
	db %10000001
	db %00000000

pic_rolling:             ; rolling shot: four frames of 3 columns, padded to 4
	db %00100000
	db %11111111
	db %00000100
	db %00000000

	db %00001000
	db %11111111
	db %01000000
	db %00000000

	db %00000100
	db %11111111
	db %00100000
	db %00000000

	db %01000000
	db %11111111
	db %00001000
	db %00000000

pic_plunger:             ; plunger shot: the bar slides down the rod
	db %01000000
	db %01111111
	db %01000000
	db %00000000

	db %00010000
	db %01111111
	db %00010000
	db %00000000

	db %00000100
	db %01111111
	db %00000100
	db %00000000

	db %00000001
	db %01111111
	db %00000001
	db %00000000

pic_squiggly:            ; squiggly shot
	db %00100010
	db %01010101
	db %00001000
	db %00000000

	db %00010001
	db %00101010
	db %01000100
	db %00000000

	db %00001000
	db %01010101
	db %00100010
	db %00000000

	db %01000100
	db %00101010
	db %00010001
	db %00000000

pic_shot_boom:           ; player shot exploding, 8 x 8
	db %10010001
	db %00111010
	db %01111100
	db %10111101
	db %00111100
	db %00011110
	db %01011000
	db %10001001

pic_bomb_boom:           ; alien shot exploding, 6 x 8
	db %01010101
	db %00011110
	db %10111110
	db %00111111
	db %01011100
	db %00100010
	db %00000000
	db %00000000
