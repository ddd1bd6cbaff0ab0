// Opens a page in Chromium and takes pictures of it: wide and narrow, light and
// dark, as it opens and with its first incident open.
//
//	node shoot.mjs PAGE.html FOLDER [NAME]
import { chromium } from 'playwright-core';
import { pathToFileURL } from 'node:url';
import { launchOptions } from './browser.mjs';

const [page, folder, name = 'page'] = process.argv.slice(2);
const browser = await chromium.launch(launchOptions());
for (const [width, height] of [[1280, 900], [390, 844]]) {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme });
    const tab = await context.newPage();
    await tab.goto(pathToFileURL(page).href);
    await tab.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png` });
    await tab.evaluate(() => { const d = document.querySelector('.incident'); if (d) d.open = true; });
    await tab.waitForTimeout(300);
    await tab.locator('.incident').first().screenshot({ path: `${folder}/${name}-${width}-${colorScheme}-open.png` });
    await context.close();
  }
}
await browser.close();
