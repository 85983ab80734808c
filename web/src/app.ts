import 'uplot/dist/uPlot.min.css';
import './app.css';
import { ChartBox, diagrams, palette, type RunData, type View } from './charts';
import { Film, FilmBox } from './film';
import { drawGrey, Screen } from './screen';
import { readLive, readSeen, type Live, type Row, type Seen } from './wire';

const $ = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;

interface RunInfo {
  name: string;
  agent: string;
  seed: string;
  frames: number;
  best: number;
  film: boolean; // its best game was kept
}
interface Control {
  name: string;
  key: string;
  text: string;
}
interface State {
  live: string | null;
  title: Record<string, string>;
  runs: RunInfo[];
  controls: Control[];
  actions: string[];
  features: string[];
}
type Progress = Record<string, number | string | boolean>;

const token = new URLSearchParams(location.search).get('token');
const withToken = (path: string) => (token ? path + (path.includes('?') ? '&' : '?') + 'token=' + encodeURIComponent(token) : path);
async function get(path: string): Promise<Response> {
  const reply = await fetch(withToken(path));
  if (!reply.ok) throw new Error((await reply.text()).trim() || `${path}: ${reply.status}`);
  return reply;
}

// Past runs, and the one that goes on, are read alike: metrics.jsonl, from the byte that is known.
class History {
  rows: Row[] = [];
  private bytes = 0;
  private busy = false;
  constructor(readonly name: string) {}

  async follow(size: number): Promise<boolean> {
    if (this.busy || size === this.bytes) return false;
    this.busy = true;
    try {
      if (size < this.bytes) {
        this.rows = []; // a resumed training dropped what it makes again
        this.bytes = 0;
      }
      const body = await (await get(`/api/metrics?run=${encodeURIComponent(this.name)}&from=${this.bytes}`)).arrayBuffer();
      this.bytes += body.byteLength;
      for (const line of new TextDecoder().decode(body).split('\n')) {
        if (line === '') continue;
        try {
          this.rows.push(JSON.parse(line) as Row);
        } catch {
          // a line that a kill cut short
        }
      }
      return body.byteLength > 0;
    } finally {
      this.busy = false;
    }
  }
}

let state: State | null = null;
let socket: WebSocket | null = null;
const histories = new Map<string, History>();
const chosen = new Set<string>();
const view: View = { axis: 'frames', smooth: 0, log: false };
const charts = diagrams.map((diagram) => new ChartBox(diagram, $('charts')));
const filmBox = new FilmBox($('film'));
let screens: Screen[] = [];
let latest: Live | null = null;
let drawn: Live | null = null;
let seen: Seen | null = null;
let seesSaid = false; // what the training said last of its own switch
// For tests: what was received and drawn.
const counts = { pictures: 0, progress: 0, opened: 0, seen: 0, dreamt: 0 };
(window as unknown as { sinv: unknown }).sinv = counts;

function history(name: string): History {
  let found = histories.get(name);
  if (!found) histories.set(name, (found = new History(name)));
  return found;
}

function drawCharts(afresh = false): void {
  const runs: RunData[] = [...chosen].map((name, i) => ({
    name,
    rows: history(name).rows,
    colour: palette[i % palette.length],
  }));
  for (const chart of charts) chart.show(runs, view, afresh);
}

function cells(table: HTMLElement, rows: [string, string][]): void {
  table.replaceChildren(
    ...rows.map(([name, value]) => {
      const row = document.createElement('tr');
      for (const letters of [name, value]) {
        const cell = document.createElement('td');
        cell.textContent = letters;
        row.append(cell);
      }
      return row;
    }),
  );
}

const whole = (value: unknown) => Math.round(Number(value)).toLocaleString('en');
const clock = (seconds: unknown) => {
  const all = Math.max(0, Math.round(Number(seconds)));
  const two = (n: number) => String(n).padStart(2, '0');
  return (all >= 3600 ? `${Math.floor(all / 3600)}:` : '') + `${two(Math.floor(all / 60) % 60)}:${two(all % 60)}`;
};

function showProgress(now: Progress): void {
  ++counts.progress;
  $('phase').textContent = String(now.phase);
  $('phase').classList.remove('off');
  cells($('now'), [
    ['time', clock(now.elapsed_s) + (Number(now.left_s) > 0 ? `, left ${clock(now.left_s)}` : '')],
    ['frames', `${whole(now.frames)}  (${whole(now.frames_per_s)}/s)`],
    ['updates', `${whole(now.updates)}  (${whole(now.updates_per_s)}/s)`],
    ['games', whole(now.games)],
    ['mean of 100', whole(now.mean_score_100)],
    ['best game', whole(now.max_score)],
    ['last evaluation', whole(now.last_evaluation)],
    ['best kept', whole(now.best_evaluation)],
    ['epsilon', Number(now.epsilon).toFixed(3)],
    ['sigma', Number(now.sigma).toFixed(4)],
    ['learning rate', Number(now.learning_rate).toExponential(2)],
    ['replay', `${whole(now.replay_size)} of ${whole(now.replay_capacity)}`],
    ['speed', Number(now.speed) > 0 ? `${now.speed} x real time` : 'full'],
    ['saves', whole(now.saves)],
    ...(now.bridge_p50_us === undefined
      ? []
      : [
          ['bridge 50 %', `${Number(now.bridge_p50_us).toFixed(1)} us`] as [string, string],
          ['bridge 99 %', `${Number(now.bridge_p99_us).toFixed(1)} us`] as [string, string],
          ['bridge 99.9 %', `${Number(now.bridge_p999_us).toFixed(1)} us`] as [string, string],
        ]),
    ['open pages', whole(now.pages)],
  ]);
  if (Boolean(now.sees) !== seesSaid) {
    seesSaid = Boolean(now.sees);
    $<HTMLDetailsElement>('sees').open = seesSaid;
  }
  if (Number(now.events) > 0) {
    $('notice').hidden = false;
    $('notice').textContent = String(now.last_event);
  }
  if (state?.live) {
    void history(state.live)
      .follow(Number(now.metrics_bytes))
      .then((grown) => {
        if (!grown) return;
        if (chosen.has(state!.live!)) drawCharts();
        showEvents();
      })
      .catch(() => undefined);
  }
}

function showEvents(): void {
  if (!state?.live) return;
  const scores = history(state.live).rows.flatMap((row) => (Array.isArray(row.scores) ? row.scores : []));
  $('games').textContent = scores.slice(-24).reverse().map(whole).join('  ');
  const rows = history(state.live).rows.filter((row) => row.kind !== 'train');
  $('events').replaceChildren(
    ...rows
      .slice(-40)
      .reverse()
      .map((row) => {
        const item = document.createElement('li');
        const what = row.text !== undefined ? row.text : `mean ${whole(row.mean)} over ${row.games} games`;
        item.textContent = `${whole(row.frames)}: ${row.kind}, ${what}`;
        return item;
      }),
  );
}

function showLive(): void {
  requestAnimationFrame(showLive);
  if (seen) {
    ++counts.seen;
    const { dream } = seen;
    drawGrey($<HTMLCanvasElement>('stack'), seen.width, seen.height, dream ? [...seen.pictures, dream.picture] : seen.pictures);
    $('dream').hidden = dream === null;
    if (dream) {
      ++counts.dreamt;
      const alone = dream.steps === 1 ? '1 step' : `${dream.steps} steps`;
      $('dream').textContent = `on the right what it dreams: ${dream.steps > 0 ? `${alone} without looking` : 'it looks'}`;
    }
    $('stack').hidden = false;
    $('observation').hidden = true;
    seen = null;
  }
  if (!latest || latest === drawn) return;
  drawn = latest;
  ++counts.pictures;
  const { games, observation } = latest;
  if (screens.length !== games.length) {
    screens = games.map(() => new Screen());
    $('screens').replaceChildren(...screens.map((screen) => screen.canvas));
    $('screens').classList.toggle('many', games.length > 1);
    $('screens').classList.toggle('crowd', games.length > 16);
  }
  games.forEach((game, i) => screens[i].draw(game.picture));
  const game = games[0];
  if (!game) return;
  $('game_line').textContent = `score ${whole(game.score)}   ships ${game.lives}   rack ${game.racks + 1}   frame ${whole(game.frames)}`;
  showActions(game.q, game.action);
  if ($<HTMLDetailsElement>('sees').open) showObservation(observation);
}

// How often each action was chosen, among about the last 300 pictures.
let chosenShare: number[] = [];

function showActions(q: Float32Array, action: number): void {
  if (chosenShare.length !== q.length) chosenShare = Array.from(q, () => 1 / q.length);
  chosenShare = chosenShare.map((share, i) => share * (1 - 1 / 300) + (i === action ? 1 / 300 : 0));
  const box = $('actions');
  while (box.children.length < q.length) {
    const line = document.createElement('div');
    line.className = 'action';
    line.append(document.createElement('span'), document.createElement('i'), document.createElement('b'));
    box.append(line);
  }
  while (box.children.length > q.length) box.lastChild!.remove();
  const low = Math.min(...q);
  const high = Math.max(...q);
  q.forEach((value, i) => {
    const line = box.children[i] as HTMLElement;
    line.classList.toggle('chosen', i === action);
    line.children[0].textContent = state?.actions[i] ?? String(i);
    (line.children[1] as HTMLElement).style.width = `${high > low ? 4 + (96 * (value - low)) / (high - low) : 100}%`;
    line.children[2].textContent = `${value.toFixed(2)} · ${Math.round(100 * chosenShare[i])} %`;
  });
}

function showObservation(values: Float32Array): void {
  const box = $('observation');
  if (box.children.length !== 3 * values.length) {
    box.replaceChildren();
    values.forEach((_, i) => {
      const name = document.createElement('span');
      name.textContent = state?.features[i] ?? String(i);
      box.append(name, document.createElement('i'), document.createElement('span'));
    });
  }
  values.forEach((value, i) => {
    (box.children[3 * i + 1] as HTMLElement).style.setProperty('--share', `${50 + 50 * Math.max(-1, Math.min(1, value))}%`);
    box.children[3 * i + 2].textContent = value.toFixed(2);
  });
}

function send(words: Record<string, unknown>): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(words));
}

function showRuns(): void {
  $('runs').replaceChildren(
    ...state!.runs.map((run) => {
      const line = document.createElement('label');
      const tick = document.createElement('input');
      tick.type = 'checkbox';
      tick.checked = chosen.has(run.name);
      tick.addEventListener('change', () => {
        if (tick.checked) chosen.add(run.name);
        else chosen.delete(run.name);
        void choose();
      });
      const dot = document.createElement('span');
      dot.className = 'dot';
      const place = [...chosen].indexOf(run.name);
      dot.style.background = place < 0 ? 'transparent' : palette[place % palette.length];
      const best = run.best > 0 ? `, best ${whole(run.best)}` : '';
      line.append(tick, dot, `${run.name}${run.name === state!.live ? ' (now)' : ''}: ${whole(run.frames / 1e6)} M frames${best}`);
      if (run.film || run.name === state!.live) {
        const button = document.createElement('button');
        button.textContent = 'best game';
        button.addEventListener('click', () => void showBestGame(run.name));
        line.append(button);
      }
      return line;
    }),
  );
}

async function showBestGame(name: string): Promise<void> {
  try {
    filmBox.show(await Film.from(await get(`/api/film?run=${encodeURIComponent(name)}`)), `Best game of ${name}`);
  } catch (error) {
    $('notice').hidden = false;
    $('notice').textContent = `the best game of ${name} cannot be shown: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function choose(): Promise<void> {
  showRuns();
  await Promise.all(
    [...chosen].filter((name) => name !== state!.live).map((name) => history(name).follow(Number.MAX_SAFE_INTEGER)),
  );
  drawCharts(true);
  const first = [...chosen][0];
  if (!first) return;
  const settings = (await (await get(`/api/settings?run=${encodeURIComponent(first)}`)).json()) as [string, string][];
  cells($('settings'), settings);
}

function showControls(): void {
  $('controls').replaceChildren(
    ...state!.controls.map((control) => {
      const button = document.createElement('button');
      button.dataset.control = control.name;
      button.append(control.text);
      const key = document.createElement('kbd');
      key.textContent = control.key;
      button.append(key);
      button.addEventListener('click', () => send({ do: control.name }));
      return button;
    }),
  );
}

async function begin(): Promise<void> {
  state = (await (await get('/api/state')).json()) as State;
  $('facts').textContent = Object.values(state.title).join('  ·  ');
  $('live').hidden = state.live === null;
  if (chosen.size === 0) {
    if (state.live) chosen.add(state.live);
    else for (const run of state.runs.slice(0, 4)) chosen.add(run.name);
  }
  if (state.live === null) {
    $('phase').textContent = 'past runs';
    document.querySelector('main')!.style.gridTemplateColumns = 'minmax(0, 1fr) 290px';
  }
  showControls();
  await choose();
}

function connect(): void {
  const url = withToken(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`);
  socket = new WebSocket(url, 'sinv');
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    ++counts.opened;
    void begin().catch((error) => console.warn(String(error)));
    send({ watch: Number($<HTMLSelectElement>('watch').value), sees: $<HTMLDetailsElement>('sees').open });
  };
  socket.onmessage = (event) => {
    if (typeof event.data === 'string') showProgress(JSON.parse(event.data) as Progress);
    else {
      const stack = readSeen(event.data as ArrayBuffer);
      if (stack) seen = stack;
      else latest = readLive(event.data as ArrayBuffer);
    }
  };
  socket.onclose = () => {
    $('phase').textContent = 'not connected';
    $('phase').classList.add('off');
    setTimeout(connect, 1000);
  };
}

function setTheme(theme: string): void {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem('theme', theme);
  drawCharts(true);
}

$('theme').addEventListener('click', () => setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'));
$<HTMLSelectElement>('watch').addEventListener('change', (event) => send({ watch: Number((event.target as HTMLSelectElement).value) }));
$('sees').addEventListener('toggle', () => send({ sees: $<HTMLDetailsElement>('sees').open }));
$<HTMLSelectElement>('axis').addEventListener('change', (event) => {
  view.axis = (event.target as HTMLSelectElement).value as View['axis'];
  drawCharts(true);
});
$<HTMLInputElement>('smooth').addEventListener('input', (event) => {
  view.smooth = Number((event.target as HTMLInputElement).value);
  drawCharts();
});
$<HTMLInputElement>('log').addEventListener('change', (event) => {
  view.log = (event.target as HTMLInputElement).checked;
  drawCharts(true);
});
$('unzoom').addEventListener('click', () => charts.forEach((chart) => chart.unzoom()));
addEventListener('resize', () => charts.forEach((chart) => chart.resize()));
addEventListener('keydown', (event) => {
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey) return;
  const control = state?.controls.find((one) => one.key === event.key);
  if (control && state?.live) send({ do: control.name });
});
// A page that nobody sees wants no pictures.
document.addEventListener('visibilitychange', () => send({ watch: document.hidden ? 0 : Number($<HTMLSelectElement>('watch').value) }));

const dark = matchMedia('(prefers-color-scheme: dark)').matches;
document.documentElement.dataset.theme = localStorage.getItem('theme') ?? (dark ? 'dark' : 'light');
connect();
requestAnimationFrame(showLive);
