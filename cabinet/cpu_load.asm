; The load of `bench cabinet`'s CPU figure: what arcade programs do, no HLT, no interrupts; 7.5 cycles an instruction.
; In Zilog's words, for `pasmo --w8080 --bin cpu_load.asm cpu_load.bin`; the bytes stand in cabinet/speed.cpp.
        org 0
start:  ld sp,2400h
pass:
        db 0D3h,6       ; feed the watchdog
        call copy
        call sum
        call search
        call decimal
        call multiply
        call draw
        call sort
        call objects
        ld hl,2000h
        inc (hl)
        jp pass

copy:   ld hl,1000h     ; 24 bytes, ROM to RAM
        ld de,2100h
        ld b,24
copy1:  ld a,(hl)
        ld (de),a
        inc hl
        inc de
        dec b
        jp nz,copy1
        ret

sum:    ld hl,2100h     ; 16-bit sum of 20 bytes
        ld de,0
        ld b,20
sum1:   ld a,(hl)
        add a,e
        ld e,a
        ld a,d
        adc a,0
        ld d,a
        inc hl
        dec b
        jp nz,sum1
        ex de,hl
        ld (2010h),hl
        ret

search: ld hl,2100h     ; the first of three keys in a table, with a subroutine for each entry
        ld c,0
search1: push hl
        call test
        pop hl
        jp z,found
        inc hl
        inc c
        ld a,c
        cp 16
        jp nz,search1
found:  ld a,c
        ld (2012h),a
        ret
test:   ld a,(hl)
        and 7Fh
        cp 5Ah
        ret z
        cp 0C3h
        ret z
        or a
        ret

decimal: ld hl,2020h    ; adds two 8-digit decimal numbers
        ld de,2028h
        ld b,4
        xor a
dec1:   ld a,(de)
        adc a,(hl)
        daa
        ld (hl),a
        inc hl
        inc de
        dec b
        jp nz,dec1
        ld a,1
        ld (2028h),a
        ret

multiply: ld a,(2010h)  ; 8 x 8 bits
        ld c,a
        ld a,(2011h)
        or 1
        ld e,a
        ld d,0
        ld hl,0
        ld b,8
mul1:   ld a,c
        rra
        ld c,a
        jp nc,mul2
        add hl,de
mul2:   ex de,hl
        add hl,hl
        ex de,hl
        dec b
        jp nz,mul1
        ld (2014h),hl
        ret

draw:   ld hl,2840h     ; a shifted picture of 12 columns, as the board's games draw
        ld de,1100h
        ld b,12
        ld a,(2000h)
        and 7
        db 0D3h,2
draw1:  push bc
        push hl
        ld a,(de)
        db 0D3h,4
        db 0DBh,3
        or (hl)
        ld (hl),a
        inc hl
        xor a
        db 0D3h,4
        db 0DBh,3
        ld (hl),a
        pop hl
        ld bc,32
        add hl,bc
        pop bc
        inc de
        dec b
        jp nz,draw1
        ret

sort:   ld hl,2100h     ; one pass of a bubble sort over 24 bytes
        ld b,23
sort1:  ld a,(hl)
        inc hl
        cp (hl)
        jp c,sort2
        ld c,(hl)
        ld (hl),a
        dec hl
        ld (hl),c
        inc hl
sort2:  dec b
        jp nz,sort1
        ret

objects: ld hl,2040h    ; 6 records: a countdown, a position to advance, a subroutine when it is due
        ld b,6
obj1:   push bc
        push hl
        ld a,(hl)
        or a
        jp nz,obj2
        ld (hl),3
        call move
        jp obj3
obj2:   dec (hl)
obj3:   pop hl
        ld de,8
        add hl,de
        pop bc
        dec b
        jp nz,obj1
        ret
move:   push hl
        inc hl
        ld e,(hl)
        inc hl
        ld d,(hl)
        ex de,hl
        ld bc,0102h
        add hl,bc
        ld (2016h),hl
        ld a,(2017h)
        cp 0E0h
        call nc,turn
        ld hl,(2016h)
        ex de,hl
        pop hl
        inc hl
        ld (hl),e
        inc hl
        ld (hl),d
        ret
turn:   xor a
        ld (2017h),a
        ret
