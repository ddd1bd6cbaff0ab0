import { existsSync } from 'node:fs';

// Where Chromium is, if it is anywhere: named by CHROMIUM, or as systems install it.
export function chromiumPath() {
  const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return places.find(p => p && existsSync(p));
}

export function launchOptions() {
  return { executablePath: chromiumPath(), args: ['--no-sandbox', '--disable-dev-shm-usage'] };
}
