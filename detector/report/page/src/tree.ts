// Contexts and the tasks below them, or who spawned whom. Equal subtrees are one row with a count.
import { ago, h, plural } from './dom';
import { Model, push, STATES } from './model';
import { matcher } from './search';
import { VirtualList } from './virtual';

interface Item { kind: 'context' | 'task'; id: number; children: Item[]; sig: number; tasks: number }
interface Row { item: Item; group: Item[]; depth: number; key: string; open: boolean }

const DEEPEST = 400;  // indents no further, but draws on

export class Tree {
  readonly element: HTMLElement;
  private readonly list: VirtualList<Row>;
  private readonly count = h('p', { class: 'count', role: 'status' });
  private readonly switcher = h('span', { class: 'segments', role: 'group', 'aria-label': 'Tree of' });
  private by: 'context' | 'spawn';
  private roots: Item[] = [];
  private readonly toggled = new Map<string, boolean>();
  private query = '';

  constructor(private readonly model: Model) {
    this.by = model.contexts.length > 1 ? 'context' : 'spawn';
    this.list = new VirtualList<Row>(28, (row, i) => this.draw(row, i), 'Contexts and tasks', 'tree',
                                     (key, row, i) => this.key(key, row, i));
    this.list.element.id = 'tree-list';
    for (const by of ['context', 'spawn'] as const) {
      this.switcher.append(h('button', { 'aria-pressed': String(by === this.by), 'data-by': by,
                                         click: () => this.switch(by) },
                             by === 'context' ? 'By context' : 'By spawn'));
    }
    this.element = h('div', { class: 'tree' }, h('div', { class: 'bar' }, this.switcher, this.count),
                     this.list.element);
    this.build();
  }

  search(query: string): void {
    this.query = query;
    this.build();
  }

  focus(): void { this.list.element.focus(); }

  private switch(by: 'context' | 'spawn'): void {
    this.by = by;
    for (const button of this.switcher.children) {
      button.setAttribute('aria-pressed', String((button as HTMLElement).dataset.by === by));
    }
    this.toggled.clear();
    this.build();
  }

  private build(): void {
    const all = this.query.trim() === '', fits = matcher(this.query);
    const tasks = all ? this.model.tasks : this.model.tasks.filter((t) => fits(this.model.haystack(t)));
    this.roots = this.by === 'context' ? this.byContext(tasks.map((t) => t.id))
      : this.bySpawn(tasks.map((t) => t.id));
    this.count.textContent = (all ? plural(tasks.length, 'task')
      : `${tasks.length.toLocaleString('en')} of ${plural(this.model.tasks.length, 'task')}`) + this.model.notHere();
    this.flatten(false);
  }

  private byContext(ids: number[]): Item[] {
    const items = new Map<number, Item>();
    const tops: Item[] = [];
    const context = (id: number): Item => {
      let item = items.get(id);
      if (item !== undefined) return item;
      item = { kind: 'context', id, children: [], sig: 0, tasks: 0 };
      items.set(id, item);
      // Up to the root, by a loop: chains have any length, damaged ones are rings.
      for (let at = item; ;) {
        const parent = this.model.context(at.id)?.parent ?? 0;
        if (parent === 0 || this.model.context(parent) === undefined) {
          tops.push(at);
          return item;
        }
        let above = items.get(parent);
        const known = above !== undefined;
        above ??= { kind: 'context', id: parent, children: [], sig: 0, tasks: 0 };
        items.set(parent, above);
        above.children.push(at);
        if (known) return item;
        at = above;
      }
    };
    for (const id of ids) {
      context(this.model.task(id)!.context)
        .children.push({ kind: 'task', id, children: [], sig: 0, tasks: 1 });
    }
    this.sign(tops);
    return tops;
  }

  private bySpawn(ids: number[]): Item[] {
    const items = new Map<number, Item>();
    const tops: Item[] = [];
    const wanted = new Set(ids);
    for (const start of ids) {
      for (let id = start; !items.has(id);) {
        const item: Item = { kind: 'task', id, children: [], sig: 0, tasks: wanted.has(id) ? 1 : 0 };
        items.set(id, item);
        const parent = this.model.task(id)?.parent ?? this.model.ghost(id)?.parent ?? 0;
        if (parent === 0) {
          tops.push(item);
          break;
        }
        id = parent;
      }
    }
    for (const item of items.values()) {
      const parent = this.model.task(item.id)?.parent ?? this.model.ghost(item.id)?.parent ?? 0;
      items.get(parent)?.children.push(item);
    }
    this.sign(tops);
    return tops;
  }

  // Equal subtrees get the same number. Without recursion: a chain can be as long as the dump.
  private sign(tops: Item[]): void {
    const numbers = new Map<string, number>();
    const order: Item[] = [];
    const stack = [...tops];
    const seen = new Set<Item>();
    while (stack.length > 0) {
      const item = stack.pop()!;
      if (seen.has(item)) continue;
      seen.add(item);
      order.push(item);
      stack.push(...item.children);
    }
    for (const item of order.reverse()) {
      const below = new Map<number, number>();
      for (const child of item.children) {
        below.set(child.sig, (below.get(child.sig) ?? 0) + 1);
        item.tasks += child.tasks;
      }
      const parts = [...below].sort((a, b) => a[0] - b[0]).join(';');
      const text = `${this.line(item)}|${parts}`;
      item.sig = numbers.get(text) ?? numbers.size + 1;
      numbers.set(text, item.sig);
    }
  }

  private line(item: Item): string {
    if (item.kind === 'context') {
      const c = this.model.context(item.id);
      return c === undefined ? '?' : `c${c.kind}|${c.site}|${c.err}|${c.key}|${c.value}`;
    }
    const t = this.model.task(item.id);
    if (t !== undefined) return `t${t.pattern}|${t.finding}`;
    const g = this.model.ghost(item.id);
    return `g${g?.name}|${g?.site}`;
  }

  private flatten(keepScroll: boolean): void {
    const rows: Row[] = [];
    const budget = 120;
    const stack: { group: Item[]; depth: number; key: string; single: boolean }[] = [];
    const addAll = (items: Item[], depth: number, key: string, single: boolean): void => {
      const groups = new Map<number, Item[]>();
      for (const item of items) single ? groups.set(-groups.size - 1, [item]) : push(groups, item.sig, item);
      const list = [...groups.values()].sort((a, b) =>
        Number(a[0]!.kind === 'context') - Number(b[0]!.kind === 'context'));
      list.reverse().forEach((group) =>
        stack.push({ group, depth, key: `${key}/${group[0]!.kind}${group[0]!.id}${single ? '!' : ''}`, single }));
    };
    addAll(this.roots, 0, '', false);
    while (stack.length > 0) {
      const { group, depth, key } = stack.pop()!;
      const item = group[0]!;
      const folds = group.length > 1 || item.children.length > 0;
      const byDefault = group.length === 1 && rows.length + stack.length < budget;
      const open = folds && (this.toggled.get(key) ?? byDefault);
      rows.push({ item, group, depth: Math.min(depth, DEEPEST), key, open });
      if (!open) continue;
      if (group.length > 1) addAll(group, depth + 1, key, true);
      else addAll(item.children, depth + 1, key, false);
    }
    this.list.show(rows, keepScroll);
  }

  private toggle(row: Row): void {
    this.toggled.set(row.key, !row.open);
    this.flatten(true);
  }

  private folds(row: Row): boolean {
    return row.group.length > 1 || row.item.children.length > 0;
  }

  private key(key: string, row: Row, index: number): boolean {
    if (key === 'ArrowRight' && this.folds(row) && !row.open) this.toggle(row);
    else if (key === 'ArrowLeft' && row.open) this.toggle(row);
    else if (key === 'ArrowLeft' && row.depth > 0) this.list.select(this.parentOf(index));
    else if (key === ' ' && this.folds(row)) this.toggle(row);
    else if (key === 'Enter' || key === 'o') this.open(row);
    else return key === 'ArrowRight';
    return true;
  }

  private parentOf(index: number): number {
    const depth = this.list.row(index).depth;
    for (let i = index - 1; i >= 0; --i) if (this.list.row(i).depth < depth) return i;
    return 0;
  }

  private open(row: Row): void {
    location.hash = `${row.item.kind}-${row.item.id}`;
  }

  private draw(row: Row, index: number): HTMLElement {
    const folds = this.folds(row);
    const line = h('div', { class: `tree-row k-${row.item.kind}`, role: 'treeitem',
                            'aria-level': row.depth + 1,
                            'aria-expanded': folds ? String(row.open) : undefined });
    const indent = h('span', { class: 'indent' });
    indent.style.width = `${Math.min(row.depth, 30) * 18}px`;
    const twist = h('button', { class: folds ? 'twist' : 'twist none', tabindex: -1,
                                'aria-label': row.open ? 'Fold' : 'Unfold' });
    if (folds) {
      twist.addEventListener('click', (event) => {
        event.stopPropagation();
        this.list.selected = index;
        this.toggle(row);
      });
    }
    line.append(indent, twist, ...this.words(row));
    line.addEventListener('click', () => this.open(row));
    return line;
  }

  private words(row: Row): Node[] {
    const { item, group } = row;
    const out: Node[] = [];
    const times = group.length > 1 ? h('span', { class: 'times' }, `×${group.length.toLocaleString('en')}`) : null;
    if (item.kind === 'context') {
      const c = this.model.context(item.id);
      out.push(h('b', { class: 'what' }, c?.kind ?? 'no context'));
      if (times) out.push(times);
      if (c) out.push(h('code', { class: 'site' }, this.model.place(c.site)));
      if (c?.value) out.push(h('code', { class: 'value' }, `${c.key} = ${c.value}`));
      if (c?.err) {
        out.push(h('span', { class: 'ended' }, `${c.err === 1 ? 'cancelled' : 'deadline exceeded'} ` +
                   `${ago(c.endedAgo)}`));
      }
      if (!row.open) out.push(h('span', { class: 'inside' }, plural(item.tasks * group.length, 'task')));
      return out;
    }
    const t = this.model.task(item.id);
    const name = t?.name ?? this.model.ghost(item.id)?.name;
    out.push(h('b', { class: 'what' }, name || 'task'));
    out.push(times ?? h('span', { class: 'id' }, String(item.id)));
    if (t === undefined) {
      out.push(h('span', { class: 'state s-gone' }, 'finished'));
    } else {
      const state = t.finding ? 'stranded' : STATES[t.state]?.replace(' ', '-');
      out.push(h('span', { class: `state s-${state}` }, this.model.doing(t)));
      out.push(h('code', { class: 'site' }, this.model.place(t.site)));
      if (t.finding) {
        out.push(h('a', { href: `#F${t.finding}`, class: 'ref', click: (e) => e.stopPropagation() },
                   `F${t.finding}`));
      }
    }
    return out;
  }
}
