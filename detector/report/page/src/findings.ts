// The static findings: search, filters by verdict and rule, folding, copy buttons.
import { find, findAll, h, plural } from './dom';
import { matcher } from './search';

interface Entry { element: HTMLElement; text: string; rule: string; verdict: string }

export class Findings {
  private readonly entries: Entry[];
  private readonly off = new Set<string>();
  private readonly note = h('p', { class: 'empty', role: 'status', hidden: true });
  readonly bar: HTMLElement;
  private query = '';

  constructor(readonly section: HTMLElement) {
    this.entries = findAll('article.finding', section).map((element) => ({
      element, rule: element.dataset.rule!, verdict: element.dataset.verdict!,
      text: `${element.id} ${element.textContent ?? ''}`.toLowerCase(),
    }));
    this.bar = h('div', { class: 'filters', role: 'group', 'aria-label': 'Filters' });
    if (this.entries.length > 1) {
      this.chips('verdict');
      this.chips('rule');
      this.bar.append(
        h('button', { class: 'quiet', click: () => this.foldAll(true) }, 'Unfold all'),
        h('button', { class: 'quiet', click: () => this.foldAll(false) }, 'Fold all'));
      section.prepend(this.bar);
    }
    section.append(this.note);
    for (const block of findAll('[data-copy]', section)) addCopy(block);
  }

  private chips(of: 'verdict' | 'rule'): void {
    const counts = new Map<string, number>();
    for (const e of this.entries) counts.set(e[of], (counts.get(e[of]) ?? 0) + 1);
    if (counts.size < 2) return;
    const group = h('span', { class: 'chips', role: 'group', 'aria-label': of });
    for (const [value, n] of counts) {
      const chip = h('button', { class: `chip v-${value}`, 'aria-pressed': 'true',
                                 'data-filter': `${of}:${value}` },
                     h('span', { class: 'dot' }), value, h('b', {}, String(n)));
      chip.addEventListener('click', () => this.toggle(`${of}:${value}`, chip));
      group.append(chip);
    }
    this.bar.append(group);
  }

  // The first press shows only this one; pressing the only one left shows all again.
  private toggle(key: string, chip: HTMLElement): void {
    const of = key.split(':')[0]!;
    const all = findAll(`[data-filter^="${of}:"]`, this.bar);
    const offOf = all.filter((c) => this.off.has(c.dataset.filter!));
    const only = offOf.length === all.length - 1 && !this.off.has(key);
    if (offOf.length === 0) for (const c of all) this.off.add(c.dataset.filter!);
    if (only) for (const c of all) this.off.delete(c.dataset.filter!);
    else if (this.off.has(key)) this.off.delete(key);
    else this.off.add(key);
    for (const c of all) c.setAttribute('aria-pressed', String(!this.off.has(c.dataset.filter!)));
    chip.focus();
    this.apply();
  }

  search(query: string): void {
    this.query = query;
    this.apply();
  }

  private apply(): void {
    const matches = matcher(this.query);
    let shown = 0;
    for (const e of this.entries) {
      const fits = !this.off.has(`verdict:${e.verdict}`) && !this.off.has(`rule:${e.rule}`) &&
        matches(e.text);
      e.element.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    this.note.hidden = this.entries.length === 0 || shown === this.entries.length;
    this.note.textContent = shown === 0 ? 'No finding fits. Esc in the search clears it.'
      : `${shown} of ${plural(this.entries.length, 'finding')} shown`;
  }

  visible(): HTMLElement[] {
    return this.entries.filter((e) => !e.element.hidden).map((e) => e.element);
  }

  private foldAll(open: boolean): void {
    for (const e of this.visible()) setOpen(e, open);
  }

  // The next or the one before the finding that has the focus.
  step(by: number): void {
    const list = this.visible();
    if (list.length === 0) return;
    const now = document.activeElement?.closest('article.finding');
    const at = list.findIndex((e) => e === now);
    const next = at < 0 ? (by > 0 ? 0 : list.length - 1)
      : Math.max(0, Math.min(list.length - 1, at + by));
    focusFinding(list[next]!);
  }
}

export function setOpen(article: HTMLElement, open: boolean): void {
  const details = find(':scope > details', article) as HTMLDetailsElement | null;
  if (details) details.open = open;
}

export function focusFinding(article: HTMLElement): void {
  const summary = find('summary', article);
  summary?.focus({ preventScroll: true });
  article.scrollIntoView({ block: 'start' });
}

function addCopy(block: HTMLElement): void {
  const text = block.textContent ?? '';
  const button = h('button', { class: 'copy', 'aria-label': `Copy the ${block.dataset.copy}` }, 'Copy');
  button.addEventListener('click', async () => {
    button.textContent = (await copy(text)) ? 'Copied' : 'Select it: copying is not allowed here';
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
  const box = h('span', { class: block.tagName === 'PRE' ? 'copy-box block' : 'copy-box' });
  block.replaceWith(box);
  box.append(block, button);
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h('textarea', { class: 'off-screen' }) as HTMLTextAreaElement;
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
