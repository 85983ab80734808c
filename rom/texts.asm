; Texts, each ended by 0; letters are in font.asm ('*' to 'Z' and the space).

text_header:	db " SCORE<1> HI-SCORE SCORE<2>",0
text_credit:	db "CREDIT",0
text_title:	db "SINV PATROL",0
text_table:	db "* PATROL REPORTS *",0
text_mystery:	db "= ? MYSTERY",0
text_30:	db "= 30 POINTS",0
text_20:	db "= 20 POINTS",0
text_10:	db "= 10 POINTS",0
text_insert:	db "INSERT  COIN",0
text_coin_1:	db "1 PLAYER   1 COIN",0
text_coin_2:	db "2 PLAYERS  2 COINS",0
text_press:	db "READY",0
text_one:	db " PRESS 1P START   ",0
text_both:	db "PRESS 1P 2P START ",0
text_play:	db "GO  PLAYER <",0
text_over:	db "GAME  OVER",0
text_player:	db "PLAYER <",0
text_blank:	db "    ",0

; Pictures beside the score lines: picture, columns, screen address.
score_lines:
	dw pic_saucer
	db 24
	dw SCREEN+COLUMN*56+17
	dw pic_top_a
	db 16
	dw SCREEN+COLUMN*60+15
	dw pic_mid_b
	db 16
	dw SCREEN+COLUMN*60+13
	dw pic_low_a
	db 16
	dw SCREEN+COLUMN*60+11
	dw 0
