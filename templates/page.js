// Sorts and filters what the page lists. Without it the form asks the server.
(() => {
  const table = document.querySelector('table');
  const form = document.querySelector('form');
  const search = document.getElementById('search');
  const shown = document.getElementById('shown');
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows].map(tr => ({
    tr, text: tr.textContent.toLowerCase(),
    values: [...tr.cells].map(td => td.dataset.v === undefined ? td.textContent.trim() : Number(td.dataset.v)),
  }));

  const selects = [...form.querySelectorAll('select')];
  const filter = () => {
    const words = search.querySelector('input').value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects.filter(s => s.value !== '');
    let n = 0;
    for (const row of rows) {
      const keep = words.every(w => row.text.includes(w)) &&
        wanted.every(s => row.tr.dataset[s.name].split(' ').includes(s.value) || row.tr.dataset[s.name] === s.value);
      row.tr.hidden = !keep;
      n += keep;
    }
    shown.textContent = shown.dataset.text.replace('{shown}', n).replace('{total}', rows.length);
  };
  // What the server has left out, it has to be asked for.
  const whole = selects.every(s => s.dataset.applied === '');
  for (const s of selects) s.addEventListener('change', () => whole ? filter() : form.requestSubmit());
  search.hidden = false;
  search.addEventListener('input', filter);
  search.addEventListener('keydown', e => { if (e.key === 'Enter') e.preventDefault(); });

  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const compare = (a, b) => typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(a, b);
  [...table.tHead.rows[0].cells].forEach((th, i) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = th.textContent;
    th.replaceChildren(button);
    button.addEventListener('click', () => {
      const down = th.getAttribute('aria-sort') === 'ascending';
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      rows.sort((a, b) => (down ? -1 : 1) * compare(a.values[i], b.values[i]));
      body.append(...rows.map(row => row.tr));
    });
  });
  // Coming back to the page, a browser restores what was chosen.
  if (whole && selects.some(s => s.value !== '')) filter();
})();
