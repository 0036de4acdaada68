// Tables of tasks and of objects: sorted by any column, searched, of any length.
import { h, plural, span } from './dom';
import { refText } from './links';
import { Model, Op, refOf, STATES, type Task } from './model';
import { matcher } from './search';
import { VirtualList } from './virtual';

export interface Column<T> {
  title: string; width: string;
  value: (row: T) => string | number;  // to sort by
  cell?: (row: T) => Node | string;
  number?: boolean;
}

export class Table<T> {
  readonly element: HTMLElement;
  private readonly list: VirtualList<T>;
  private readonly head = h('div', { class: 't-head' });
  private readonly count = h('p', { class: 'count', role: 'status' });
  private readonly texts: Map<T, string>;
  private sort = 0;
  private down = false;
  private query = '';
  private readonly grid: string;

  constructor(id: string, label: string, private readonly rows: T[],
              private readonly columns: Column<T>[], text: (row: T) => string,
              private readonly noun: string, private readonly more: string, open: (row: T) => void) {
    this.texts = new Map(rows.map((row) => [row, text(row)]));
    this.grid = columns.map((c) => c.width).join(' ');
    this.list = new VirtualList<T>(32, (row) => this.draw(row, open), label, 'grid', (key, row) => {
      if (key !== 'Enter' && key !== 'o') return false;
      open(row);
      return true;
    });
    this.list.element.id = id;
    this.head.style.gridTemplateColumns = this.grid;
    columns.forEach((column, i) => {
      this.head.append(h('button', { class: column.number ? 'num' : '', click: () => this.sortBy(i) },
                         column.title, h('span', { class: 'arrow' })));
    });
    this.element = h('div', { class: 'table' }, this.count,
                     h('div', { class: 't-scroll' }, this.head, this.list.element));
    // The columns of the head stand above those of the rows, whose list has a scroll bar.
    const list = this.list.element;
    new ResizeObserver(() => {
      this.head.style.paddingRight = `${16 + list.offsetWidth - list.clientWidth}px`;
    }).observe(list);
    this.show();
  }

  search(query: string): void {
    this.query = query;
    this.show();
  }

  focus(): void { this.list.element.focus(); }

  private sortBy(i: number): void {
    this.down = this.sort === i ? !this.down : this.columns[i]!.number === true && i > 0;
    this.sort = i;
    this.show();
  }

  private show(): void {
    const matches = matcher(this.query);
    const fits = this.rows.filter((row) => matches(this.texts.get(row)!));
    const value = this.columns[this.sort]!.value;
    const keys = new Map(fits.map((row) => [row, value(row)]));
    const sign = this.down ? -1 : 1;
    fits.sort((a, b) => {
      const x = keys.get(a)!, y = keys.get(b)!;
      return x < y ? -sign : x > y ? sign : 0;
    });
    [...this.head.children].forEach((button, i) => {
      button.setAttribute('aria-sort', i !== this.sort ? 'none' : this.down ? 'descending' : 'ascending');
    });
    this.count.textContent = (fits.length === this.rows.length ? plural(fits.length, this.noun)
      : `${fits.length.toLocaleString('en')} of ${plural(this.rows.length, this.noun)}`) + this.more;
    this.list.show(fits);
  }

  private draw(row: T, open: (row: T) => void): HTMLElement {
    const line = h('div', { class: 't-row', role: 'row', click: () => open(row) });
    line.style.gridTemplateColumns = this.grid;
    for (const column of this.columns) {
      const content = column.cell?.(row) ?? String(column.value(row));
      line.append(h('span', { role: 'gridcell', class: column.number ? 'num' : '',
                              title: typeof content === 'string' ? content : undefined }, content));
    }
    return line;
  }
}

const go = (ref: string) => (): void => { location.hash = ref; };

export function taskTable(model: Model): Table<Task> {
  const on = (t: Task): string => {
    const first = t.relations.find((r) => r.op !== Op.Holds);
    return first === undefined ? '' : refText(model, refOf(first));
  };
  return new Table<Task>('task-list', 'Tasks', model.tasks, [
    { title: 'ID', width: '72px', value: (t) => t.id, number: true },
    { title: 'Name', width: 'minmax(110px, 1.2fr)', value: (t) => t.name },
    { title: 'State', width: '96px', value: (t) => STATES[t.state] ?? '',
      cell: (t) => h('span', { class: `state s-${t.finding ? 'stranded' : STATES[t.state]?.replace(' ', '-')}` },
                     STATES[t.state] ?? '') },
    { title: 'Doing', width: 'minmax(150px, 1.4fr)', value: (t) => model.doing(t) },
    { title: 'On', width: 'minmax(90px, .9fr)', value: on },
    { title: 'At', width: 'minmax(160px, 1.8fr)', value: (t) => model.place(t.site),
      cell: (t) => h('code', { title: model.inFunction(t.site) }, model.place(t.site)) },
    { title: 'For', width: '76px', value: (t) => t.age, number: true,
      cell: (t) => (t.age < 0 ? '' : span(t.age)) },
    { title: 'Finding', width: '76px', value: (t) => t.finding || 1e9,
      cell: (t) => (t.finding ? h('a', { href: `#F${t.finding}`, class: 'ref',
                                         click: (e) => e.stopPropagation() }, `F${t.finding}`) : '') },
  ], (t) => model.haystack(t), 'task', model.notHere(), (t) => go(`task-${t.id}`)());
}

interface Thing {
  ref: string; kind: string; id: number; what: string; site: number; state: string; waits: number;
}

export function objectTable(model: Model): Table<Thing> {
  const waits = (ref: string): number =>
    model.related(ref).filter((t) => t.relations.some((r) => refOf(r) === ref && r.op !== Op.Holds)).length;
  const things: Thing[] = [
    ...model.channels.map((c): Thing => ({
      ref: `channel-${c.id}`, kind: 'channel', id: c.id,
      what: `${c.type ? `Chan<${c.type}>` : 'Chan'}, capacity ${c.capacity}`, site: c.site,
      state: c.closed ? 'closed' : c.capacity ? `${c.length} of ${c.capacity}` : 'unbuffered',
      waits: waits(`channel-${c.id}`),
    })),
    ...model.syncs.map((s): Thing => ({
      ref: `sync-${s.id}`, kind: s.kind, id: s.id, what: s.kind, site: s.site,
      state: s.holder ? `held by task ${s.holder}` : s.counter ? `counter ${s.counter}` : '',
      waits: waits(`sync-${s.id}`),
    })),
    ...model.contexts.map((c): Thing => ({
      ref: `context-${c.id}`, kind: 'context', id: c.id,
      what: c.value ? `${c.kind} ${c.key} = ${c.value}` : c.kind, site: c.site,
      state: ['', 'cancelled', 'deadline exceeded'][c.err]!, waits: model.tasksUnder(c.id).length,
    })),
  ];
  return new Table<Thing>('object-list', 'Channels, locks and contexts', things, [
    { title: 'Kind', width: '100px', value: (o) => o.kind },
    { title: 'ID', width: '72px', value: (o) => o.id, number: true },
    { title: 'What', width: 'minmax(160px, 2fr)', value: (o) => o.what },
    { title: 'Made at', width: 'minmax(160px, 1.6fr)', value: (o) => model.place(o.site),
      cell: (o) => h('code', {}, model.place(o.site)) },
    { title: 'State', width: 'minmax(120px, 1fr)', value: (o) => o.state },
    { title: 'Tasks', width: '76px', value: (o) => o.waits, number: true },
  ], (o) => `${o.ref.replace('-', ':')} ${o.kind} ${o.id} ${o.what} ${model.place(o.site)} ${o.state}`.toLowerCase(),
  'object', '', (o) => go(o.ref)());
}
