"""Frames of the MAME bridge, made from docs/formats.md by struct and zlib alone: `mame_protocol.py FOLDER`.

Writes FOLDER/mame_protocol.txt: lines `name hexadecimal`. Shares no code with the engine or the plugin.
"""

import struct
import sys
import zlib


def text(s):
    raw = s.encode()
    return struct.pack("<H", len(raw)) + raw


def frame(kind, sequence, body, flags=0):
    return struct.pack("<IBBH", len(body), kind, flags, sequence) + body


def test(group, mask, address, value, equal):
    return struct.pack("<BBHBB", group, mask, address, value, equal)


WORK = [bytes((i * 7 + f * 3) & 255 for i in range(1024)) for f in range(3)]
PICTURES = [bytes((i * 5 + f * 11 + 1) & 255 for i in range(7168)) for f in range(2)]
BUTTONS = ["coin", "start1", "fire", "left", "right", "start2"]
HELLO = (b"SINV" + struct.pack("<HH", 1, 0) + text("3") + text("secret") + text("1.0") + text("0.251") + text("invaders")
         + struct.pack("<IHHHI", 0x89ABCDEF, 0x2000, 0x2000, 0x400, 15151)
         + bytes([len(BUTTONS)]) + b"".join(text(b) for b in BUTTONS))
STEP_REPLY = struct.pack("<IHBB", 1003, 3, 1, 2) + b"".join(WORK) + b"".join(PICTURES)

FRAMES = {
    "hello": frame(0x01, 0, HELLO),
    "welcome": frame(0x81, 0, b"SINV" + struct.pack("<HBB", 1, 1, 0)),
    "refused": frame(0x7F, 0, text("protocol version 2, wanted 1")),
    "step": frame(0x02, 7, struct.pack("<HBBBB", 3, 2, 1, 2, 2) + bytes([0x08, 0x04, 0x10, 0x00])),
    "step_reply": frame(0x82, 7, STEP_REPLY),
    "step_reply_zlib": frame(0x82, 8, zlib.compress(struct.pack("<IHBB", 1004, 1, 0, 0) + WORK[0], 6), 1),
    "rule": frame(0x03, 9, bytes([1, 2]) + test(0, 0xFF, 0x2025, 0, 1) + test(0, 0xFF, 0x202D, 0, 0)),
    "rule_reply": frame(0x83, 9, b""),
    "read": frame(0x04, 10, bytes([2]) + struct.pack("<HHHH", 0x20F8, 2, 0x2100, 3)),
    "read_reply": frame(0x84, 10, bytes([0x40, 0x12, 1, 0, 1])),
    "write": frame(0x05, 11, struct.pack("<H", 0x20EB) + bytes([1, 2])),
    "write_reply": frame(0x85, 11, b""),
    "power_on": frame(0x06, 12, b""),
    "soft_reset": frame(0x07, 13, b""),
    "state_save": frame(0x08, 14, b""),
    "state_save_reply": frame(0x88, 14, struct.pack("<I", 500) + bytes(range(16))),
    "state_load": frame(0x09, 15, struct.pack("<I", 500) + bytes(range(16))),
    "text": frame(0x0A, 16, bytes([2]) + struct.pack("<hhI", -1, 10, 0xFFFF8000) + text("score 1890")
                  + struct.pack("<hhI", 100, 200, 0xFFFFFFFF) + text("Q \u2191")),
    "throttle": frame(0x0B, 17, struct.pack("<BI", 1, 500)),
    "console": frame(0x0C, 18, b"read_memory 20F8\nframe"),
    "console_reply": frame(0x8C, 18, b"40\n123"),
    "debug": frame(0x0D, 19, bytes([1])),
    "statistics": frame(0x0E, 20, b""),
    "statistics_reply": frame(0x8E, 20, struct.pack("<6Q", 1, 2, 3, 4, 5, 1 << 40)),
    "ping": frame(0x0F, 21, b""),
    "quit": frame(0x10, 0xFFFF, b""),
    "sleeping": frame(0xF0, 0, b""),
    "alive": frame(0xF1, 0, b""),
    "failed": frame(0xFF, 22, bytes([3]) + text("rule 7: address 3000 is not in work RAM")),
}

if __name__ == "__main__":
    with open(sys.argv[1] + "/mame_protocol.txt", "w", encoding="ascii") as out:
        for name, data in FRAMES.items():
            out.write(name + " " + data.hex() + "\n")
