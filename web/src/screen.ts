// The upright picture with the colour overlay of the cabinet (source of the zones: MAME's invaders.lay).
const kWidth = 224;
const kHeight = 256;

function overlay(x: number, y: number): number {
  // 0xAABBGGRR, as the canvas has it in memory.
  const white = 0xffffffff;
  const red = 0xff2020ff;
  const green = 0xff20ff20;
  if (y >= 32 && y < 62) return red;
  if (y >= 184 && y < 240) return green;
  if (y >= 240 && x >= 16 && x < 134) return green;
  return white;
}

const colours = new Uint32Array(kWidth * kHeight);
for (let y = 0; y < kHeight; ++y) for (let x = 0; x < kWidth; ++x) colours[y * kWidth + x] = overlay(x, y);

export class Screen {
  readonly canvas = document.createElement('canvas');
  private readonly context: CanvasRenderingContext2D;
  private readonly image: ImageData;
  private readonly pixels: Uint32Array;

  constructor() {
    this.canvas.width = kWidth;
    this.canvas.height = kHeight;
    this.context = this.canvas.getContext('2d')!;
    this.image = this.context.createImageData(kWidth, kHeight);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  draw(picture: Uint8Array): void {
    for (let x = 0; x < kWidth; ++x) {
      for (let strip = 0; strip < 32; ++strip) {
        const bits = picture[x * 32 + strip];
        for (let bit = 0; bit < 8; ++bit) {
          const at = (kHeight - 1 - (strip * 8 + bit)) * kWidth + x;
          this.pixels[at] = (bits >> bit) & 1 ? colours[at] : 0xff000000;
        }
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

// Grey pictures side by side, as large as they are.
export function drawGrey(canvas: HTMLCanvasElement, width: number, height: number, pictures: Uint8Array[]): void {
  const gap = 2;
  canvas.width = pictures.length * (width + gap) - gap;
  canvas.height = height;
  const context = canvas.getContext('2d')!;
  pictures.forEach((picture, i) => {
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    picture.forEach((value, at) => (pixels[at] = 0xff000000 | (value << 16) | (value << 8) | value));
    context.putImageData(image, i * (width + gap), 0);
  });
}
