// Sorts, filters and copies what the page lists. The filters are in the fragment of
// the address, so that a signed link stays valid. Without the script, links and the
// form ask the server.
(() => {
  const byId = id => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // The age of the data counts up, whatever the clock of the device is.
  const age = byId('age'), reload = byId('reload'), loaded = Date.now();
  const ago = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: 'auto' });
  const showAge = () => {
    const seconds = Number(age.dataset.age) + (Date.now() - loaded) / 1000;
    const [size, unit] = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']].find(([size]) => seconds >= size) ?? [1, 'second'];
    age.textContent = age.dataset.text.replace('{ago}', ago.format(-Math.floor(seconds / size), unit));
    reload.hidden = seconds < 600;
  };
  showAge();
  setInterval(showAge, 10_000);
  document.addEventListener('visibilitychange', showAge);
  reload.addEventListener('click', () => location.reload());

  const form = byId('filters');
  if (!form) return;
  const local = 'local' in form.dataset, signed = 'signed' in form.dataset; // local: no row is missing
  const selects = all('select[name]', form);
  const search = byId('search').firstElementChild, sorter = byId('sort').firstElementChild;
  const title = document.title, heading = document.querySelector('h1');
  const table = byId('list'), shown = byId('shown'), clear = byId('clear'), formats = byId('formats');
  const rows = table ? all('tbody tr', table).map(tr => ({ tr, data: tr.dataset, text: '' })) : [];
  form.hidden = false;
  for (const label of [byId('search'), byId('sort')]) label.hidden = !table;

  // Filters.
  const links = all('[data-filter]');
  for (const a of links) [a.filter] = new URLSearchParams(a.dataset.filter);
  let filters = new URLSearchParams();
  const matches = ({ data }, name, value) => {
    if (name !== 'day') return data[name] === value || name === 'reason' && data.reason.split(' ').includes(value);
    const [from, to = from] = value.split('..');
    return data.day >= from && data.day <= to;
  };
  const find = words => {
    if (words.length && !rows[0]?.text) for (const row of rows) row.text = row.tr.textContent.toLowerCase();
    return row => words.every(word => row.text.includes(word));
  };
  const apply = () => {
    const text = filters.get('find') ?? '';
    const found = find(text.toLowerCase().split(/\s+/).filter(Boolean));
    const chosen = [...filters].filter(([name, value]) => value && (name === 'day' || selects.some(s => s.name === name)));
    const visible = rows.filter(row => chosen.every(([name, value]) => matches(row, name, value)) && found(row));
    const set = new Set(visible);
    for (const row of rows) row.tr.hidden = !set.has(row);
    const names = chosen.map(([name, value]) =>
      links.find(a => a.dataset.label && a.filter[0] === name && a.filter[1] === value)?.dataset.label ??
      selects.find(s => s.name === name)?.querySelector(`option[value="${CSS.escape(value)}"]`)?.textContent ?? value);
    if (text) names.push(text);
    const count = shown?.dataset.text.replace('{shown}', visible.length).replace('{total}', rows.length) ?? '';
    if (shown) shown.textContent = count;
    heading.textContent = document.title = names.length ? shown.dataset.title.replace('{filters}', names.join(', ')).replace('{shown}', count) : title;
    document.body.classList.toggle('filtered', local && names.length > 0);
    if (local) {
      clear.hidden = !names.length;
      for (const s of selects) s.value = filters.get(s.name) ?? '';
      draw(visible);
    }
    search.value = text;
    keepFilters(names.length, chosen);
  };
  // The links of the page carry the filters, as far as their targets have them.
  const keepFilters = (active, chosen) => {
    for (const a of all('a.keep')) a.hash = filters;
    if (!formats) return;
    const label = formats.firstElementChild;
    label.dataset.less ??= label.textContent;
    const named = signed ? [] : chosen.filter(([name]) => name !== 'day');
    label.textContent = named.length < active ? label.dataset.more : label.dataset.less;
    for (const a of all('a', formats)) {
      a.dataset.url ??= a.href;
      const url = new URL(a.dataset.url);
      for (const [name, value] of named) url.searchParams.set(name, value);
      a.href = url;
    }
  };
  const set = (name, value, go = 'pushState') => {
    if (value) filters.set(name, value); else filters.delete(name);
    history[go](null, '', location.pathname + location.search + (`${filters}` && `#${filters}`));
    apply();
  };
  // Charts.
  const draw = visible => {
    const counts = new Map(links.map(a => [a, visible.filter(row => row.data.severity !== 'fine' && matches(row, ...a.filter))]));
    for (const list of all('.bars, .legend')) {
      const bars = all('a', list), most = Math.max(1, ...bars.map(a => counts.get(a).length));
      for (const a of bars) {
        a.querySelector('b').textContent = counts.get(a).length;
        a.querySelector('.bar')?.setAttribute('width', counts.get(a).length * 100 / most);
      }
    }
    const columns = all('#columns a'), most = Math.max(1, ...columns.map(a => counts.get(a).length));
    for (const a of columns) {
      let { base, room } = a.ownerSVGElement.dataset;
      for (const rect of all('[data-severity]', a)) {
        const n = counts.get(a).filter(row => row.data.severity === rect.dataset.severity).length;
        const height = n && Math.max(3, n * room / most);
        rect.setAttribute('y', base -= height);
        rect.setAttribute('height', height);
      }
      const [count] = all('text', a), n = counts.get(a).length;
      count.textContent = n || '';
      count.setAttribute('y', base - 5);
      a.firstElementChild.textContent = `${a.dataset.label}: ${n}`;
    }
    for (const a of links) {
      if (filters.get(a.filter[0]) === a.filter[1]) a.setAttribute('aria-current', 'true'); else a.removeAttribute('aria-current');
    }
  };
  for (const s of selects) s.addEventListener('change', () => local ? set(s.name, s.value) : form.requestSubmit());
  search.addEventListener('input', () => set('find', search.value, 'replaceState'));
  search.addEventListener('keydown', e => { if (e.key === 'Enter') e.preventDefault(); });
  for (const a of links) {
    const [name, value] = a.filter;
    a.addEventListener('click', e => {
      if (!local || e.ctrlKey || e.metaKey || e.shiftKey) return;
      e.preventDefault();
      set(name, filters.get(name) === value ? '' : value);
    });
  }
  clear.addEventListener('click', e => {
    if (!local) return;
    e.preventDefault();
    filters = new URLSearchParams();
    set('find', '');
  });
  const readFragment = () => {
    if (location.hash && !location.hash.includes('=')) return; // of a heading
    filters = new URLSearchParams(location.hash.slice(1));
    const named = local || signed ? [] : selects.filter(s => filters.get(s.name));
    for (const s of named) s.value = filters.get(s.name);
    if (named.length) form.requestSubmit(); else if (table) apply();
  };
  addEventListener('hashchange', readFragment);
  if (location.hash) readFragment();
  if (!table) return;

  // Sorting.
  const heads = [...table.tHead.rows[0].cells];
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const sort = choice => {
    const [index, direction] = choice.split(' ');
    for (const th of heads) th.removeAttribute('aria-sort');
    heads[index]?.setAttribute('aria-sort', direction);
    const value = td => td.dataset.v === undefined ? td.textContent : Number(td.dataset.v);
    const order = rows.map(row => [choice && value(row.tr.cells[index]), row.tr]);
    const sign = direction === 'descending' ? -1 : 1;
    if (choice) order.sort(([a], [b]) => sign * (typeof a === 'number' ? a - b : collator.compare(a, b)));
    table.tBodies[0].append(...order.map(([, tr]) => tr));
    sorter.value = choice;
  };
  heads.forEach((th, i) => {
    for (const [arrow, direction] of [['↑', 'ascending'], ['↓', 'descending']]) sorter.add(new Option(`${th.textContent} ${arrow}`, `${i} ${direction}`));
    const button = document.createElement('button'), printed = document.createElement('span');
    button.type = 'button';
    button.textContent = printed.textContent = th.textContent;
    th.replaceChildren(button, printed);
    button.addEventListener('click', () => sort(`${i} ${th.getAttribute('aria-sort') === 'ascending' ? 'descending' : 'ascending'}`));
  });
  sorter.addEventListener('change', () => sort(sorter.value));

  // Copying an id selects it, too, for browsers that refuse the clipboard.
  table.addEventListener('click', async e => {
    const button = e.target.closest('.copy');
    if (!button) return;
    const id = button.parentElement.querySelector('code') ?? button.parentElement.querySelector('bdi');
    getSelection().selectAllChildren(id);
    let result = table.dataset.selected;
    try {
      await navigator.clipboard.writeText(id.textContent);
      result = table.dataset.copied;
    } catch { /* selected */ }
    const text = button.textContent;
    button.textContent = result;
    byId('copied').textContent = `${result}: ${id.textContent}`;
    setTimeout(() => { button.textContent = text; }, 2000);
  });
})();
