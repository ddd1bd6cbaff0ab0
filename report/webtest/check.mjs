// Opens pages in Chromium and fails on whatever must not happen: an error on the
// console, a request, a dialog, a script that ran out of hostile data, an
// element that hostile data made, a violation that axe-core finds.
//
//	node check.mjs PAGE.html…
import { chromium } from 'playwright-core';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { launchOptions } from './browser.mjs';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const browser = await chromium.launch(launchOptions());
let failures = 0;
const fail = (page, what) => { failures++; console.log(`FAIL ${page}: ${what}`); };

// open returns a tab on the page; whatever is wrong on the way is reported.
async function open(page, options) {
  // axe is put in past the page's policy, which has to be in force otherwise
  const context = await browser.newContext({ ...options });
  const tab = await context.newPage();
  const url = pathToFileURL(page).href;
  tab.on('console', m => { if (m.type() === 'error' || m.type() === 'warning') fail(page, `console: ${m.text()}`); });
  tab.on('pageerror', e => fail(page, `error: ${e.message}`));
  tab.on('dialog', d => { fail(page, `dialog: ${d.message()}`); d.dismiss(); });
  tab.on('request', r => { if (r.url() !== url && !r.url().startsWith('data:,')) fail(page, `request: ${r.url()}`); });
  await tab.goto(url);
  return { context, tab };
}

async function check(page) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 390]) {
      const { context, tab } = await open(page, { viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
      await tab.evaluate(() => { for (const d of [...document.querySelectorAll('.incident')].slice(0, 3).concat([...document.querySelectorAll('.incident .event, .fold')].slice(0, 40))) d.open = true; });
      await tab.waitForTimeout(300);
      await tab.addScriptTag({ path: axe });
      const result = await tab.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      for (const v of result.violations) fail(page, `axe ${colorScheme} ${width}: ${v.id}: ${v.help}: ${v.nodes.length} × ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary}`);
      const wide = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) fail(page, `${width}: the page is ${wide} pixels wider than the window`);
      await context.close();
    }
  }
  await policy(page);
  await use(page);
  await plain(page);
}

// policy opens the page with its content security policy in force and looks at
// what became of its data.
async function policy(page) {
  const { context, tab } = await open(page, {});
  const n = await tab.locator('.incident').count();
  for (const i of new Set([0, Math.floor(n / 2), n - 1])) {
    if (i >= 0 && n > 0) await tab.locator('.incident').nth(i).evaluate(d => { d.open = true; });
  }
  await tab.waitForFunction(() => ![...document.querySelectorAll('.incident[open]')].some(d => d.querySelector('.wait')), null, { timeout: 20000 })
    .catch(() => fail(page, 'packed details do not open'));
  const odd = await tab.evaluate(() => {
    const out = [];
    if (window.pwned) out.push('a script from the data ran');
    for (const e of document.querySelectorAll('img,iframe,object,embed,video,audio,base,marquee,form:not(#filters)')) out.push('element ' + e.outerHTML.slice(0, 100));
    if (document.querySelectorAll('script:not([type])').length !== 1) out.push('more than one script');
    for (const e of document.querySelectorAll('*')) for (const a of e.attributes) if (/^on|^style$/i.test(a.name)) out.push('attribute ' + a.name);
    return out;
  });
  for (const o of odd) fail(page, o);
  await context.close();
}

// use does what a reader does: search, filter, sort, follow evidence, change
// the theme.
async function use(page) {
  const { context, tab } = await open(page, {});
  const all = await tab.locator('.incident').count();
  if (all > 0) {
    const host = await tab.locator('.incident .host').first().textContent();
    await tab.fill('#f-text', host);
    await tab.waitForTimeout(300);
    const left = await tab.locator('.incident:not([hidden])').count();
    if (left === 0) fail(page, 'searching for a host finds nothing');
    await tab.fill('#f-text', 'no such text at all');
    await tab.waitForTimeout(300);
    if (await tab.locator('.incident:not([hidden])').count() !== 0) fail(page, 'searching for nothing finds something');
    await tab.fill('#f-text', '');
    await tab.selectOption('#f-sort', 'time');
    const times = await tab.locator('.incident').evaluateAll(list => list.map(d => +d.dataset.t));
    if (times.some((t, i) => i > 0 && t < times[i - 1])) fail(page, 'sorting by time does not');
    await tab.waitForTimeout(300);
    await tab.locator('.incident').first().evaluate(d => { d.open = true; });
    const ref = tab.locator('.incident[open] .ref').first();
    await ref.waitFor({ timeout: 20000 });
    const target = await ref.getAttribute('href');
    await ref.click();
    await tab.waitForFunction(id => document.getElementById(id).open, target.slice(1), { timeout: 5000 }).catch(() => fail(page, 'evidence does not open'));
  }
  const before = await tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await tab.click('#theme');
  if (before === await tab.evaluate(() => getComputedStyle(document.body).backgroundColor)) fail(page, 'the theme does not change');
  await context.close();
}

// plain opens the page without JavaScript: the list is there, and the details
// of the first incident.
async function plain(page) {
  const { context, tab } = await open(page, { javaScriptEnabled: false });
  const body = await tab.locator('body').innerText();
  if (!body.includes('tocsin')) fail(page, 'without JavaScript there is no text');
  const first = tab.locator('.incident').first();
  if (await first.count() > 0) {
    await first.locator('> summary').click();
    if (!await first.locator('.sentence').isVisible()) fail(page, 'without JavaScript the first incident does not open');
  }
  await context.close();
}

for (const page of process.argv.slice(2)) await check(page);
await browser.close();
console.log(failures ? `${failures} failures` : `ok: ${process.argv.length - 2} pages`);
process.exit(failures ? 1 : 0);
