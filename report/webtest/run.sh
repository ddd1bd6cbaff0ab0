#!/bin/sh
# Checks the HTML report in a real Chromium: hostile content, both languages.
# Says so and does nothing where there is no Chromium or no npm.
set -eu
cd "$(dirname "$0")"
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null && [ -z "${CHROMIUM:-}" ]; then
  echo "webtest: skipped: no Chromium (apt-get install chromium, or set CHROMIUM)"
  exit 0
fi
if ! command -v npm >/dev/null; then
  echo "webtest: skipped: no npm"
  exit 0
fi
npm ci --no-audit --no-fund --loglevel=error || { echo "webtest: skipped: playwright-core and axe-core cannot be installed"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd ../..
TOCSIN_HOSTILE_PAGE="$work/hostile.html" go test -count=1 -run TestWriteHostilePage ./report
go run ./cmd/tocsin simulate rpc-service-create psexec dll-hijack --hosts 3 --noise 2 --ordinary 1 -o "$work/data" 2>/dev/null
for lang in en vi; do
  go run ./cmd/tocsin scan "$work/data" -o html --lang "$lang" >"$work/report-$lang.html" 2>/dev/null
done
node report/webtest/check.mjs "$work"/*.html
