// How long a page takes until it is shown and answers, in Chromium.
//
//	node speed.mjs PAGE.html
import { chromium } from 'playwright-core';
import { pathToFileURL } from 'node:url';
import { launchOptions } from './browser.mjs';

const browser = await chromium.launch(launchOptions());
const tab = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
const start = performance.now();
await tab.goto(pathToFileURL(process.argv[2]).href, { waitUntil: 'load' });
await tab.evaluate(() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))));
const loaded = performance.now() - start;
const inPage = await tab.evaluate(() => {
  const n = performance.getEntriesByType('navigation')[0];
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return { firstPaint: paint && paint.startTime, interactive: n.domInteractive, load: n.loadEventEnd, nodes: document.querySelectorAll('*').length };
});
const last = tab.locator('.incident').last();
const t = performance.now();
await last.evaluate(d => { d.open = true; d.scrollIntoView(); });
await tab.waitForFunction(() => !document.querySelector('.incident:last-of-type .wait'), null, { timeout: 20000 }).catch(() => console.log('the last incident did not open'));
console.log(JSON.stringify({ shownAfter: Math.round(loaded), ...inPage, openLast: Math.round(performance.now() - t) }));
await browser.close();
