// What crosses the WebSocket; the other side is tools/dash/live_message.h.

export interface Game {
  score: number;
  lives: number;
  racks: number;
  frames: number;
  action: number;
  q: Float32Array;
  picture: Uint8Array; // 7,168 bytes: a column of 32 bytes for each x, from the bottom up
}
export interface Live {
  games: Game[];
  observation: Float32Array;
}

// The stack of pictures that an agent sees: the oldest first, a byte for each pixel, row 0 on top. And, of an agent with
// a model of the game, what it expects instead of the newest.
export interface Seen {
  width: number;
  height: number;
  pictures: Uint8Array[];
  dream: { picture: Uint8Array; steps: number } | null; // for which it has not looked
}

export const kPictureBytes = 7168;
const kSeenMark = 0xffffffff; // where a Live has the number of its games
const kGameHead = 24;

export function readLive(buffer: ArrayBuffer): Live {
  const view = new DataView(buffer);
  const count = view.getUint32(0, true);
  const values = view.getUint32(4, true);
  let at = 8;
  const floats = (n: number): Float32Array => {
    const out = new Float32Array(n);
    for (let i = 0; i < n; ++i) out[i] = view.getFloat32(at + 4 * i, true);
    at += 4 * n;
    return out;
  };
  const observation = floats(values);
  const games: Game[] = [];
  for (let i = 0; i < count; ++i) {
    const head = at;
    const actions = view.getUint32(head + 20, true);
    at += kGameHead;
    const q = floats(actions);
    games.push({
      score: view.getInt32(head, true),
      lives: view.getInt32(head + 4, true),
      racks: view.getUint32(head + 8, true),
      frames: view.getUint32(head + 12, true),
      action: view.getUint32(head + 16, true),
      q,
      picture: new Uint8Array(buffer, at, kPictureBytes),
    });
    at += kPictureBytes;
  }
  return { games, observation };
}

// Null: the message is a Live.
export function readSeen(buffer: ArrayBuffer): Seen | null {
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== kSeenMark) return null;
  const [width, height, count] = [4, 8, 12].map((at) => view.getUint32(at, true));
  const steps = view.getInt32(16, true);
  const picture = (i: number) => new Uint8Array(buffer, 20 + i * width * height, width * height);
  return {
    width,
    height,
    pictures: Array.from({ length: count }, (_, i) => picture(i)),
    dream: steps < 0 ? null : { picture: picture(count), steps },
  };
}

export interface Row {
  kind: string;
  frames: number;
  [name: string]: number | string | number[] | Record<string, number>;
}
