// The dashboard in a real browser. node browser_test.mjs PROGRAM FOLDER_OF_node_modules [FOLDER_FOR_PICTURES]
// Ends with 77 when there is no browser or playwright-core: ctest then says "skipped".
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';

const [program, modules, pictures] = process.argv.slice(2);

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(77);
}

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (!browserPath) skip('there is no Chromium (Debian: apt-get install chromium)');
if (!existsSync(join(modules, 'node_modules', 'playwright-core'))) {
  try {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: modules, stdio: 'ignore' });
  } catch {
    skip('npm could not install playwright-core');
  }
}
const { chromium } = createRequire(join(modules, 'package.json'))('playwright-core');

const folder = mkdtempSync(join(tmpdir(), 'sinv_browser_'));
const run = join(folder, 'runs', 'one');

// Starts the program and waits for the line that says where its page is.
function start(words) {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  const url = new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (bytes) => {
      said += bytes;
      const found = said.match(/dashboard: (http:\S+)/);
      if (found) resolve(found[1]);
    });
    child.on('close', () => reject(new Error(`the program ended without a page:\n${said}`)));
  });
  return { child, url, ended };
}

const small = pictures
  ? []
  : ['dqn.hidden=16', 'dqn.batch=16', 'dqn.warmup_steps=400', 'dqn.replay_steps=4000', 'train.record_period_frames=5000'];
const training = ['train', '--plain', '--minutes', '0', '--out', run, '--envs', pictures ? '64' : '16'];
for (const setting of small) training.push('--set', setting);

const controls = () =>
  readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"control"'))
    .map((line) => JSON.parse(line).text);

const children = [];
let browser;
try {
  const engine = start([...training, '--dashboard', '127.0.0.1:0']);
  children.push(engine.child);
  const url = await engine.url;
  const port = new URL(url).port;
  browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 }, colorScheme: 'light' });
  const faults = [];
  let restarting = false;
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    // While the engine is away, the browser itself complains that nobody answers.
    if (message.type() === 'error' && !(restarting && /ERR_CONNECTION|Failed to load/.test(message.text()))) faults.push(message.text());
  });
  const until = (what, argument) => page.waitForFunction(what, argument, { timeout: 120_000 });
  const phaseIs = (phase) => until((wanted) => document.getElementById('phase').textContent === wanted, phase);
  const press = (name) => page.click(`[data-control="${name}"]`);
  const recorded = async (text) => {
    while (!controls().some((one) => one.includes(text))) await page.waitForTimeout(50);
  };
  const picture = () => page.evaluate(() => document.querySelector('#screens canvas').toDataURL());
  const shot = async (name) => {
    if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
  };

  await page.goto(url);
  await until(() => window.sinv.progress > 3 && window.sinv.pictures > 20);
  console.log('ok: the page is alive');

  // Charts draw: the first has curves of the palette's blue.
  await phaseIs('training');
  const curves = (colour) =>
    until((rgb) => {
      const canvas = document.querySelector('[data-title="score"] canvas');
      if (!canvas) return false;
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let found = 0;
      for (let i = 0; i < data.length; i += 4) if (data[i] === rgb[0] && data[i + 1] === rgb[1] && data[i + 2] === rgb[2]) ++found;
      return found > 10;
    }, colour);
  await curves([0, 0x72, 0xb2]);
  assert.equal(await page.locator('.chart:visible').count(), 8); // the ninth is of MAME
  console.log('ok: charts draw');

  // Pictures move, and are coloured; values of six actions stand beside them.
  const before = await picture();
  await until((old) => document.querySelector('#screens canvas').toDataURL() !== old, before);
  assert.equal(await page.locator('#actions .action').count(), 6);
  assert.equal(await page.locator('#actions .action.chosen').count(), 1);
  await page.selectOption('#watch', '16');
  await until(() => document.querySelectorAll('#screens canvas').length === 16);
  await shot('dashboard_many');
  await page.selectOption('#watch', '1');
  await until(() => document.querySelectorAll('#screens canvas').length === 1);
  await page.selectOption('#watch', '64'); // all there are
  await until(() => document.querySelectorAll('#screens canvas').length >= 16);
  await page.selectOption('#watch', '1');
  await until(() => document.querySelectorAll('#screens canvas').length === 1);
  await page.click('#sees summary');
  await until(() => document.querySelectorAll('#observation i').length > 30);
  await page.click('#sees summary');
  console.log('ok: pictures move');

  // Controls act, by mouse and by key.
  await press('pause');
  await phaseIs('paused');
  await press('pause');
  await phaseIs('training');
  await press('real');
  await recorded("plays at 1 times the cabinet's speed");
  await press('full');
  await recorded('plays at full speed');
  await page.keyboard.press('x');
  await recorded('exploits');
  await page.keyboard.press('x');
  await recorded('explores');
  await page.keyboard.press('e');
  await recorded('epsilon up by 0.01');
  await press('save');
  await recorded('saves');
  await press('evaluate');
  await recorded('evaluates');
  await press('figure');
  await recorded('draws the figure');
  while (!existsSync(join(run, 'training.png'))) await page.waitForTimeout(50);
  assert.equal(await page.locator('#sees').getAttribute('open'), null);
  await page.keyboard.press('w');
  await recorded('shows what the agent sees');
  await page.waitForSelector('#sees[open]');
  await page.keyboard.press('w');
  await recorded('shows no longer what the agent sees');
  await page.waitForSelector('#sees:not([open])');
  await page.keyboard.press('b');
  await recorded('only MAME has a bridge');
  await press('text');
  await recorded('only MAME has a screen');
  const keys = JSON.parse(await page.evaluate(async () => (await fetch('/api/state')).text())).controls;
  assert.equal(await page.locator('#controls button').count(), keys.length);
  assert.ok(controls().includes('pauses') && controls().includes('goes on'));
  console.log('ok: controls act');

  if (pictures) await page.waitForTimeout(Number(process.env.SINV_PICTURES_AFTER_MS ?? 0));
  // Views: smoothing, log scale, minutes, zoom and back, dark, phone.
  await page.fill('#smooth', '0.8');
  await page.check('#log');
  await page.uncheck('#log');
  await page.selectOption('#axis', 'minutes');
  await page.selectOption('#axis', 'frames');
  const box = await page.locator('[data-title="score"] .u-over').boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 40, { steps: 4 });
  await page.mouse.up();
  await page.click('#unzoom');
  await page.fill('#smooth', '0');
  await shot('dashboard_light');
  await page.click('#theme');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await curves([0, 0x72, 0xb2]);
  await page.mouse.move(2, 2);
  await shot('dashboard_dark');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForTimeout(200);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 390), 'wider than a phone');
  await shot('dashboard_phone');
  await page.click('#theme');
  await page.locator('#charts').scrollIntoViewIfNeeded();
  await shot('dashboard_phone_charts');
  await page.setViewportSize({ width: 1440, height: 1000 });
  console.log('ok: views');

  // The engine ends and comes back; so does the page.
  restarting = true;
  await press('quit');
  assert.equal(await engine.ended, 0);
  await phaseIs('not connected');
  const opened = await page.evaluate(() => window.sinv.opened);
  const again = start(['train', '--resume', run, '--plain', '--dashboard', `127.0.0.1:${port}`]);
  children.push(again.child);
  assert.equal(new URL(await again.url).port, port);
  await until((count) => window.sinv.opened > count, opened);
  await phaseIs('training');
  restarting = true;  // from here on nobody answers that page
  await press('quit');
  assert.equal(await again.ended, 0);
  assert.ok(controls().includes('saves and ends'));
  console.log('ok: the page comes back');

  // An agent that sees pictures: the stack that its network is given.
  const seer = start(['train', '--agent', 'dqn-cnn', '--plain', '--minutes', '0', '--out', join(folder, 'runs', 'two'),
    '--envs', '2', '--set', 'dqn.replay_steps=4000', '--dashboard', '127.0.0.1:0']);
  children.push(seer.child);
  const third = await browser.newPage();
  third.on('pageerror', (error) => faults.push(String(error)));
  await third.goto(await seer.url);
  await third.waitForFunction(() => window.sinv.pictures > 3, null, { timeout: 120_000 });
  await third.click('#sees summary');
  await third.waitForFunction(() => window.sinv.seen > 3, null, { timeout: 120_000 });
  const stack = await third.evaluate(() => {
    const canvas = document.getElementById('stack');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return { width: canvas.width, height: canvas.height, lit: data.filter((value, i) => i % 4 === 0 && value > 100).length };
  });
  assert.deepEqual([stack.width, stack.height], [4 * 66 - 2, 64]);
  assert.ok(stack.lit > 100, `${stack.lit} pixels are lit`);
  if (pictures) await third.locator('#sees').screenshot({ path: join(pictures, 'sees.png') });
  await third.click('[data-control="quit"]');
  assert.equal(await seer.ended, 0);
  await third.close();
  console.log('ok: what the network sees');

  // An agent with a model of the game: its dream beside what is real, looking at first, then alone.
  const dreamer = start(['train', '--agent', 'dreamer', '--preset', 'small', '--plain', '--minutes', '0', '--out',
    join(folder, 'runs', 'three'), '--envs', '2', '--set', 'dreamer.replay_steps=4000', '--set', 'dreamer.depth=4',
    '--dashboard', '127.0.0.1:0']);
  children.push(dreamer.child);
  const fourth = await browser.newPage();
  fourth.on('pageerror', (error) => faults.push(String(error)));
  await fourth.goto(await dreamer.url);
  await fourth.waitForFunction(() => window.sinv.pictures > 3, null, { timeout: 120_000 });
  await fourth.click('#sees summary');
  await fourth.waitForFunction(() => window.sinv.dreamt > 3, null, { timeout: 120_000 });
  await fourth.waitForFunction(() => /steps without looking/.test(document.getElementById('dream').textContent), null, { timeout: 120_000 });
  assert.equal(await fourth.evaluate(() => document.getElementById('stack').width), 3 * 66 - 2);
  await fourth.click('[data-control="quit"]');
  assert.equal(await dreamer.ended, 0);
  await fourth.close();
  console.log('ok: what the agent dreams');

  // Finished runs, without a training.
  const kept = execFileSync(program, ['replay', join(run, 'best.replay')], { encoding: 'utf8' });
  const bestGame = Number(kept.match(/: (\d+) points/)[1]);
  const past = start(['dashboard', join(folder, 'runs'), '--address', '127.0.0.1:0']);
  children.push(past.child);
  const other = await browser.newPage();
  other.on('pageerror', (error) => faults.push(String(error)));
  await other.goto(await past.url);
  await other.waitForFunction(() => document.querySelectorAll('.chart canvas').length === 8, null, { timeout: 120_000 });
  assert.equal(await other.locator('#live').isVisible(), false);
  assert.equal(await other.locator('#runs label').count(), 3);

  // Its best game, played again from the file: to its end, and back to the middle.
  await other.locator('#runs label', { hasText: 'one' }).locator('button').click();
  await other.waitForFunction(() => !document.getElementById('film').hidden, null, { timeout: 120_000 });
  await other.selectOption('#film .speed', '8');
  const frame = () => other.evaluate(() => Number(document.querySelector('#film .at').value));
  const last = Number(await other.getAttribute('#film .at', 'max'));
  while ((await frame()) < Math.min(last, 200)) await other.waitForTimeout(20);
  await other.click('#film .play');
  const filmPicture = () => other.evaluate(() => document.querySelector('#film canvas').toDataURL());
  const seek = async (to) => {
    await other.fill('#film .at', String(to));
    return filmPicture();
  };
  const end = await seek(last);
  assert.match(await other.textContent('#film .line'), new RegExp(`^${bestGame.toLocaleString('en')} points`));
  const middle = await seek(Math.floor(last / 2));
  assert.notEqual(middle, end);
  assert.equal(await seek(last), end);
  assert.equal(await seek(Math.floor(last / 2)), middle);
  if (pictures) await other.locator('#film').screenshot({ path: join(pictures, 'film.png') });
  await other.click('#film .close');
  assert.equal(await other.locator('#film').isVisible(), false);
  past.child.kill('SIGINT');
  assert.equal(await past.ended, 0);
  console.log('ok: past runs');

  assert.deepEqual(faults, []);
  console.log('ok: no errors in the console');
} finally {
  await browser?.close();
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
