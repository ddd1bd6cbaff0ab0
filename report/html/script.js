'use strict';
(() => {
const $ = id => document.getElementById(id);
const root = document.documentElement;
const list = $('list');
const incidents = list ? [...list.querySelectorAll('.incident')] : [];

// Light and dark: the system's choice until a reader makes another. A browser
// may refuse to keep it for a page that is a file.
const theme = $('theme');
const stored = () => { try { return localStorage.getItem('tocsin-theme'); } catch { return null; } };
const keep = t => { try { localStorage.setItem('tocsin-theme', t); } catch { } };
const dark = () => root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
if (/^(light|dark)$/.test(stored() || '')) root.dataset.theme = stored();
theme.hidden = false;
theme.addEventListener('click', () => { root.dataset.theme = dark() ? 'light' : 'dark'; keep(root.dataset.theme); });

// Packed details: base64 of deflated text. Before a U+0001 stand pieces of HTML,
// after it raw events, which they name by number; both joined by NUL. The pieces
// were made and escaped by the same templates as the rest of the page, whose
// policy runs no script but this one; raw events are only ever text. They stand
// behind this script, so that the page answers while they are still being read.
const blocks = new Map();
const parsed = new Promise(done => {
  if (document.readyState === 'loading') addEventListener('DOMContentLoaded', done); else done();
});
const unpack = async z => {
  if (!$('z' + z)) await parsed;
  const bytes = Uint8Array.from(atob($('z' + z).textContent), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const [pieces, events] = (await new Response(stream).text()).split('\u0001');
  return { pieces: pieces.split('\0'), events: events.split('\0') };
};
const block = z => {
  if (!blocks.has(z)) {
    if (blocks.size > 8) blocks.delete(blocks.keys().next().value);
    blocks.set(z, unpack(z));
  }
  return blocks.get(z);
};
const fill = async incident => {
  if (!incident.dataset.z) return;
  const { z, p } = incident.dataset;
  delete incident.dataset.z;
  const { pieces, events } = await block(z);
  const body = new DOMParser().parseFromString(pieces[p], 'text/html').body;
  for (const code of body.querySelectorAll('code[data-e]')) code.textContent = events[code.dataset.e - 1];
  incident.querySelector('.wait').replaceWith(...body.childNodes);
};
document.addEventListener('toggle', e => {
  if (e.target.open && e.target.classList.contains('incident')) fill(e.target);
}, true);

// A link into an incident opens it.
const reveal = async () => {
  const id = decodeURIComponent(location.hash.slice(1));
  const incident = /^i\d+/.test(id) && $(id.split('-')[0]);
  if (!incident) return;
  incident.open = true;
  await fill(incident);
  const target = $(id);
  if (!target) return;
  if (target.tagName === 'DETAILS') target.open = true;
  target.scrollIntoView({ block: 'center' });
};
addEventListener('hashchange', reveal);
document.addEventListener('click', e => {
  const a = e.target.closest && e.target.closest('a[href^="#i"]');
  if (a && a.getAttribute('href') === location.hash) reveal();
});

// Search, filters and order.
const form = $('filters');
if (form) {
  form.hidden = false;
  const text = $('f-text'), severity = $('f-severity'), host = $('f-host'), strategy = $('f-strategy'), sort = $('f-sort'), shown = $('shown');
  const haystack = new Map();
  const hay = d => {
    if (!haystack.has(d)) haystack.set(d, d.querySelector('summary').textContent.toLowerCase());
    return haystack.get(d);
  };
  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const d of incidents) {
      const ok = (!severity.value || d.classList.contains(severity.value)) && (!host.value || d.dataset.h === host.value) &&
        (!strategy.value || d.dataset.s === strategy.value) && words.every(w => hay(d).includes(w));
      d.hidden = !ok;
      if (ok) n++;
    }
    shown.textContent = n + ' / ' + incidents.length + ' ' + shown.dataset.word;
  };
  const order = () => {
    const by = sort.value === 'time' ? d => +d.dataset.t : d => +d.dataset.n;
    const sorted = [...incidents].sort((a, b) => by(a) - by(b) || a.dataset.n - b.dataset.n);
    list.prepend(...sorted);
  };
  let timer;
  text.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(filter, 120); });
  for (const s of [severity, host, strategy]) s.addEventListener('change', filter);
  sort.addEventListener('change', order);
  form.addEventListener('submit', e => e.preventDefault());
  document.addEventListener('click', e => {
    const a = e.target.closest && e.target.closest('a[data-filter]');
    if (!a) return;
    host.value = strategy.value = '';
    (a.dataset.filter === 'host' ? host : strategy).value = a.dataset.value;
    filter();
  });
  // Opening thousands at once would hold the page up: the first ones open.
  const many = 200;
  $('open-all').addEventListener('click', () => { for (const d of incidents.filter(d => !d.hidden).slice(0, many)) d.open = true; });
  $('close-all').addEventListener('click', () => { for (const d of incidents) d.open = false; });
  filter();
}

// On paper the details of a short report are open.
let opened = [];
addEventListener('beforeprint', () => {
  const visible = incidents.filter(d => !d.hidden);
  if (visible.length > 100) return;
  opened = visible.filter(d => !d.open && !d.dataset.z);
  for (const d of opened) d.open = true;
});
addEventListener('afterprint', () => { for (const d of opened) d.open = false; opened = []; });
reveal();
})();
