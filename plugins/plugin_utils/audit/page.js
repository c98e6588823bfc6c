// Copyright (c) 2026 the vmrops.o365 authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
'use strict';

const form = document.querySelector('form.filter');
const field = (name) => document.getElementById(name)?.value ?? '';
const words = (element) => element.textContent.toLowerCase();

function filter() {
  const [number, severity, text] = [field('tenant'), field('severity'), field('text').trim().toLowerCase()];
  let shown = 0;
  for (const tenant of document.querySelectorAll('section.tenant')) {
    const named = tenant.dataset.name.toLowerCase().includes(text);
    const rows = [...tenant.querySelectorAll('[data-row]')];
    for (const row of rows) {
      const own = (row.dataset.severity ?? tenant.dataset.severity) === severity;
      row.hidden = !((!severity || own) && (named || words(row).includes(text)));
    }
    for (const block of tenant.querySelectorAll('[data-block]')) {
      const within = [...block.querySelectorAll('[data-row]')];
      block.hidden = within.length ? within.every((row) => row.hidden) : Boolean(severity || !named);
    }
    const here = (!number || tenant.dataset.tenant === number) && rows.some((row) => !row.hidden);
    tenant.hidden = !here;
    shown += here ? 1 : 0;
    const line = document.querySelector(`tr[data-tenant="${tenant.dataset.tenant}"]`);
    if (line) line.hidden = !here;
  }
  const all = document.querySelectorAll('section.tenant').length;
  document.getElementById('shown').textContent = `${shown} of ${all} ${all === 1 ? 'tenant' : 'tenants'} shown`;
}

form.addEventListener('input', filter);
form.addEventListener('reset', () => setTimeout(filter));
form.addEventListener('submit', (event) => event.preventDefault());
form.hidden = false;
filter();
