// The report page in a browser, as its readers see it: from a file, with the network watched.
// SHOTS=DIR leaves pictures there.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const { STRANDED_BIN, STRANDED_SAMPLES, STRANDED_SOURCE, STRANDED_PAGE_DUMPS, SHOTS } = process.env;
const require = createRequire(join(STRANDED_SOURCE, 'detector/report/page/package.json'));
const { chromium } = require('playwright-core');
const BROWSER = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
               '--disable-component-update', '--disable-sync'];

let dir, browser;
const file = (name) => join(dir, name);

function report(name) {
  const done = spawnSync(STRANDED_BIN, ['report', '--format', `html:${file(`${name}.html`)}`, file(`${name}.strd`)],
                         { cwd: STRANDED_SOURCE });
  assert.equal(done.status, 1, String(done.stderr));
}

before(async () => {
  assert.ok(BROWSER, 'there is no chromium here: ./run setup installs it');
  dir = mkdtempSync(join(tmpdir(), 'stranded-page-'));
  execFileSync(STRANDED_PAGE_DUMPS, [dir]);
  for (const name of ['first_answer', 'lost_cancel']) {
    spawnSync(join(STRANDED_SAMPLES, `sample_${name}_leaky`), {
      env: { ...process.env,
             STRANDED_OPTIONS: `schedule=controlled:seed=1:record=trace:dump=${file(`${name}.strd`)}` } });
  }
  for (const name of ['first_answer', 'lost_cancel', 'many', 'huge', 'hostile']) report(name);
  browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
});

after(async () => {
  await browser?.close();
  if (dir) rmSync(dir, { recursive: true });
});

// Opens a page and runs `body` on it; fails on any request, error or warning.
async function open(name, body, { hash = '', ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, colorScheme: 'light', ...options });
  const page = await context.newPage();
  const problems = [];
  page.on('console', (m) => {
    if (['error', 'warning'].includes(m.type())) problems.push(m.text());
  });
  page.on('pageerror', (e) => problems.push(e.message));
  page.on('request', (r) => {
    if (!/^file:\/\/[^?#]*\.html/.test(r.url())) problems.push(`request: ${r.url()}`);
  });
  await page.goto(`file://${file(`${name}.html`)}${hash}`);
  if (options.javaScriptEnabled !== false) await page.waitForSelector('html[data-ready]');
  await body(page);
  if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}${hash.replace('#', '-')}-${options.colorScheme ?? 'light'}.png`) });
  assert.deepEqual(problems, []);
  await context.close();
}

// The inspector follows the address, a moment after a click or a key.
async function inspecting(page, title) {
  await page.locator('.inspect h2', { hasText: title }).waitFor();
  if (typeof title === 'string') assert.equal(await page.textContent('.inspect h2'), title);
}
const texts = (page, selector) => page.locator(selector).allTextContents();
const theme = (page) => page.evaluate(() => document.documentElement.dataset.theme);

describe('findings', () => {
  test('the verdict and the counts come first, the evidence is drawn', () => open('first_answer', async (page) => {
    assert.equal(await page.textContent('h1'), '1 finding, 4 stranded tasks');
    assert.match(await page.title(), /4 stranded tasks/);
    await page.waitForSelector('.graph svg');
    assert.deepEqual(await texts(page, '.graph .node .name'),
                     ['4 tasks "fetch"', 'channel 1', 'task 1 "main"', 'WithTimeout 3']);
    assert.deepEqual((await texts(page, '.graph .edge-label')).sort(), ['context', 'last receiver', 'send']);
    const added = await texts(page, '.diff .add');
    assert.equal(added.length, 2, 'of the fix, and of the other one');
    assert.match(added[0], /answers\(4\);/);
    assert.match(added[1], /answers\.Send\(stranded::this_task::GetContext\(\), /);
    assert.match(await page.textContent('.frames > .user'), /leaky\.cc:\d+/);
    assert.ok(await page.locator('.frames > .fold').count() > 0);
  }));

  test('the timeline shows what the tasks did, and the end of their context', () => open('first_answer', async (page) => {
    await page.locator('.timeline').scrollIntoViewIfNeeded();
    assert.deepEqual(await texts(page, '.timeline .lane'),
                     ['task 1 "main"', 'task 2 "fetch"', 'task 3 "fetch"', 'task 4 "fetch"', 'task 5 "fetch"']);
    assert.match(await page.textContent('.cancel-label'), /context 3 passed the deadline/);
    assert.match((await texts(page, '.timeline .b-block title')).join(), /sending on a channel for 15ms/);
    await page.click('.events > summary');
    await page.locator('.events tr').first().waitFor();
    assert.match((await texts(page, '.events tr')).join('\n'), /task 1 "main"\s*spawns task 2 "fetch"/);
  }));

  test('the search leaves what has all words', () => open('many', async (page) => {
    await page.fill('.search input', 'philosopher dinner.cc');
    await page.waitForFunction(() => document.querySelectorAll('.finding:not([hidden])').length === 1);
    assert.match(await page.textContent('.finding:not([hidden]) h2'), /wait for each other's locks/);
    await page.fill('.search input', 'no such words');
    await page.waitForSelector('text=No finding fits');
    await page.press('.search input', 'Escape');
    await page.waitForFunction(() => document.querySelectorAll('.finding:not([hidden])').length === 3);
  }));

  test('a chip shows its rule alone, once more shows all', () => open('many', async (page) => {
    const chip = page.locator('[data-filter="rule:abandoned-recv"]');
    await chip.click();
    assert.equal(await page.locator('.finding:not([hidden])').count(), 1);
    assert.equal(await page.getAttribute('[data-filter="rule:lock-cycle"]', 'aria-pressed'), 'false');
    await page.click('[data-filter="rule:lock-cycle"]');
    assert.equal(await page.locator('.finding:not([hidden])').count(), 2);
    await page.click('[data-filter="rule:lock-cycle"]');
    await chip.click();
    assert.equal(await page.locator('.finding:not([hidden])').count(), 3);
  }));

  test('a cycle is marked in the graph', () => open('many', async (page) => {
    await page.waitForSelector('#F3 .graph .edge.cycle', { state: 'attached' });
    assert.equal(await page.locator('#F3 .graph .edge.cycle').count(), 10);
    assert.equal(await page.locator('#F3 .graph .node').count(), 10);
    const size = await page.locator('#F3 .graph svg').boundingBox();
    assert.ok(size.height < 300, 'a ring stands in two rows');
  }, { hash: '#F3' }));
});

describe('links', () => {
  test('from a task to its channel and to another task that waits there', () => open('first_answer', async (page) => {
    await page.click('.facts a[href="#task-2"]');
    await inspecting(page, 'task 2 "fetch"');
    await page.click('.inspect a[href="#channel-1"]');
    await inspecting(page, 'channel 1');
    await page.click('.inspect a[href="#task-4"]');
    await inspecting(page, 'task 4 "fetch"');
    await page.goBack();
    await inspecting(page, 'channel 1');
    await page.click('.inspect a[href="#task-1"] >> nth=0');
    await inspecting(page, 'task 1 "main"');
    await page.keyboard.press('Escape');
    await page.locator('.inspect').waitFor({ state: 'hidden' });
  }));

  test('a node of the graph opens its object; a finding is opened by its address', () => open('lost_cancel', async (page) => {
    await page.click('.node.n-channel');
    await inspecting(page, 'channel 2');
    await page.evaluate(() => { location.hash = 'F2'; });
    await page.waitForFunction(() => document.activeElement?.closest('#F2') !== null);
    await page.locator('.inspect').waitFor({ state: 'hidden' });
  }));
});

describe('tree', () => {
  test('equal subtrees are one row, which unfolds and folds', () => open('many', async (page) => {
    const rows = () => page.locator('#tree-list').getAttribute('aria-rowcount').then(Number);
    const folded = await rows();
    assert.ok(folded < 20, `${folded} rows`);
    const timeouts = page.locator('.tree-row.k-context', { hasText: 'WithTimeout' });
    assert.match(await timeouts.textContent(), /×500.*9,500 tasks/);
    await timeouts.locator('.twist').click();
    assert.equal(await rows(), folded + 500);
    assert.ok(await page.locator('.tree-row').count() < 80, 'only rows in sight are in the document');
    await page.locator('.tree-row', { hasText: '×500' }).locator('.twist').click();
    assert.equal(await rows(), folded);
  }, { hash: '#tree' }));

  test('by spawn, searched, and by keyboard alone', () => open('many', async (page) => {
    await page.click('[data-by=spawn]');
    assert.match(await page.textContent('.tree-row >> nth=0'), /main/);
    await page.keyboard.press('/');
    await page.keyboard.type('philosopher');
    await page.waitForFunction(() => document.querySelector('.tree .count').textContent.startsWith('5 of'));
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await inspecting(page, /philosopher/);
  }, { hash: '#tree' }));
});

describe('keys and themes', () => {
  test('j, o, numbers, help and Escape', () => open('many', async (page) => {
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    assert.equal(await page.evaluate(() => document.activeElement.closest('article').id), 'F2');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outline, 'solid', 'the focus is visible');
    assert.equal(await page.locator('#F2 details[open]').count() > 0, true);
    await page.keyboard.press('o');
    assert.equal(await page.evaluate(() => document.querySelector('#F2 > details').open), false);
    await page.keyboard.press('?');
    assert.ok(await page.locator('dialog.help').isVisible());
    await page.keyboard.press('Escape');
    assert.ok(await page.locator('dialog.help').isHidden());
    await page.keyboard.press('3');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'task-list');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await inspecting(page, 'task 10006 "philosopher"');
  }));

  test('dark follows the system and the switch, and is kept', () => open('first_answer', async (page) => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await theme(page), 'dark');
    const dark = await background();
    await page.click('#theme');
    assert.equal(await theme(page), 'light');
    assert.notEqual(await background(), dark);
    await page.reload();
    assert.equal(await theme(page), 'light');
    await page.keyboard.press('d');
    assert.equal(await theme(page), 'dark');
  }, { colorScheme: 'dark' }));
});

describe('without a script', () => {
  test('findings, fixes and the tree can be read', () => open('first_answer', async (page) => {
    assert.equal(await page.textContent('h1'), '1 finding, 4 stranded tasks');
    assert.ok(await page.locator('.diff .add').first().isVisible());
    assert.ok(await page.locator('.frames > .user').isVisible());
    assert.ok(await page.getByText('deadline exceeded').first().isVisible());
    assert.match(await page.textContent('.plain-tree pre'), /└─ WithTimeout .*\n.*4 like this/);
    assert.equal(await page.locator('.facts a[href]').count(), 0, 'no link that leads nowhere');
    assert.equal(await page.locator('.tabs').count(), 0);
  }, { javaScriptEnabled: false }));
});

describe('what is hostile or large', () => {
  test('names are text wherever they stand', () => open('hostile', async (page) => {
    for (const hash of ['F1', 'task-7', 'task-8', 'channel-3', 'context-6', 'context-5', 'tree', 'tasks', 'objects']) {
      await page.evaluate((to) => { location.hash = to; }, hash);
      await page.waitForTimeout(0);
    }
    await page.click('.tabs [data-view=findings]');
    await page.waitForSelector('.graph svg');
    assert.equal(await page.locator('img').count(), 0);
    assert.equal(await page.locator('script').count(), 2);
    assert.notEqual(await page.title(), 'owned');
    assert.match(await page.textContent('.inspect, #F1'), /<img src=x onerror=/);
  }));

  test('10,000 tasks open and filter at once', () => open('many', async (page) => {
    await page.keyboard.press('3');
    assert.match(await page.textContent('.table .count'), /10,006 tasks/);
    assert.ok(await page.locator('.t-row').count() < 80, 'only rows in sight are in the document');
    await page.fill('.search input', 'channel:42');
    await page.waitForFunction(() => document.querySelector('.table .count').textContent.startsWith('19 of'));
    await page.fill('.search input', '');
    await page.click('.t-head button:has-text("Name")');
    await page.waitForFunction(() => document.querySelector('.t-row').textContent.includes('fetch'));
  }));

  test('of more tasks than it holds the page says so; large data is packed', () => open('huge', async (page) => {
    assert.match(await page.textContent('.table .count'), /50,000 tasks, 10,006 more tasks not in this page/);
    assert.ok(statSync(file('huge.html')).size < 600_000);
  }, { hash: '#tasks' }));

  test('without data the page is far below 500 KB', () => {
    assert.ok(statSync(file('first_answer.html')).size < 200_000);
  });
});
