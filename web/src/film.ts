// A kept game, fetched whole: tools/record/film.h is the other side.
import { Screen } from './screen';
import { kPictureBytes } from './wire';

const kFramesPerSecond = 59.541985;

export class Film {
  readonly frames: number;
  score = 0;
  at = -1; // the frame that `picture` shows
  readonly picture = new Uint8Array(kPictureBytes);
  private readonly view: DataView;
  private place = 4;

  constructor(bytes: ArrayBuffer) {
    this.view = new DataView(bytes);
    this.frames = this.view.getUint32(0, true);
  }

  static async from(reply: Response): Promise<Film> {
    return new Film(await new Response(reply.body!.pipeThrough(new DecompressionStream('deflate'))).arrayBuffer());
  }

  // Frames hold what changed, so the way back leads over the beginning.
  seek(frame: number): void {
    const wanted = Math.max(0, Math.min(frame, this.frames - 1));
    if (wanted < this.at) {
      this.at = -1;
      this.place = 4;
      this.picture.fill(0);
    }
    while (this.at < wanted) this.next();
  }

  private next(): void {
    const { view, picture } = this;
    this.score = view.getUint32(this.place, true);
    const changes = view.getUint16(this.place + 4, true);
    let place = this.place + 6;
    for (let i = 0; i < changes; ++i, place += 3) picture[view.getUint16(place, true)] = view.getUint8(place + 2);
    this.place = place;
    ++this.at;
  }
}

// The box in which a film runs, with its buttons.
export class FilmBox {
  private readonly screen = new Screen();
  private readonly slider: HTMLInputElement;
  private readonly button: HTMLButtonElement;
  private readonly speed: HTMLSelectElement;
  private readonly line: HTMLElement;
  private film: Film | null = null;
  private running = false;
  private position = 0; // in frames
  private last = 0; // when it was drawn, in ms

  constructor(private readonly box: HTMLElement) {
    const part = <T extends HTMLElement>(name: string) => box.querySelector<T>(`.${name}`)!;
    this.slider = part('at');
    this.button = part('play');
    this.speed = part('speed');
    this.line = part('line');
    part('screen').append(this.screen.canvas);
    this.button.addEventListener('click', () => this.run(!this.running));
    part('close').addEventListener('click', () => this.close());
    this.slider.addEventListener('input', () => {
      this.position = Number(this.slider.value);
      this.draw();
    });
  }

  show(film: Film, title: string): void {
    this.film = film;
    this.position = 0;
    this.slider.max = String(film.frames - 1);
    this.box.querySelector('h2')!.textContent = title;
    this.box.hidden = false;
    this.draw();
    this.run(true);
    this.box.scrollIntoView({ block: 'nearest' });
  }

  private close(): void {
    this.run(false);
    this.film = null;
    this.box.hidden = true;
  }

  private run(runs: boolean): void {
    if (runs && !this.running) {
      if (this.film && this.position >= this.film.frames - 1) this.position = 0;
      this.last = performance.now();
      requestAnimationFrame((now) => this.step(now));
    }
    this.running = runs;
    this.button.textContent = runs ? 'pause' : 'play';
  }

  private step(now: number): void {
    if (!this.running || !this.film) return;
    this.position += ((now - this.last) / 1000) * kFramesPerSecond * Number(this.speed.value);
    this.last = now;
    this.draw();
    if (this.position >= this.film.frames - 1) this.run(false);
    else requestAnimationFrame((next) => this.step(next));
  }

  private draw(): void {
    const { film } = this;
    if (!film) return;
    film.seek(Math.floor(this.position));
    this.screen.draw(film.picture);
    this.slider.value = String(film.at);
    const seconds = Math.floor(film.at / kFramesPerSecond);
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    this.line.textContent = `${film.score.toLocaleString('en')} points   ${clock}`;
  }
}
