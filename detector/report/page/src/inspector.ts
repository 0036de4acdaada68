// The panel beside the page: one task, channel, context or lock, with links to all it touches.
import { ago, type Child, h, plural, span } from './dom';
import { link, refText } from './links';
import { Model, Op, refOf, STATES, type Frame, type Peer, type Task } from './model';

const MOST = 100;  // rows of one list
const OUTCOMES = ['', 'it came through', 'it waits', 'it left by another case', 'it saw the channel closed'];

export class Inspector {
  readonly element: HTMLElement;
  private readonly body = h('div', { class: 'inspect-body' });
  private readonly title = h('h2', { tabindex: -1 });
  private readonly kind = h('span', { class: 'kind' });

  constructor(private readonly model: Model, close: () => void, private readonly list: (q: string) => void) {
    this.element = h('aside', { class: 'inspect', 'aria-label': 'Details', hidden: true },
      h('header', {}, h('div', {}, this.kind, this.title),
        h('button', { class: 'close', 'aria-label': 'Close the details (Esc)', click: close }, '×')),
      this.body);
  }

  get open(): boolean { return !this.element.hidden; }

  hide(): void { this.element.hidden = true; }

  // Takes the focus only where the reader asked by keyboard or link.
  show(ref: string): void {
    const [kind, number] = ref.split('-');
    const id = Number(number);
    this.kind.textContent = kind === 'sync' ? 'lock' : kind!;
    this.title.textContent = refText(this.model, ref);
    this.body.replaceChildren(...(
      kind === 'task' ? this.task(id) : kind === 'channel' ? this.channel(id)
      : kind === 'context' ? this.context(id) : this.sync(id)));
    this.element.hidden = false;
    this.element.dataset.ref = ref;
    this.body.scrollTop = 0;
    this.title.focus({ preventScroll: true });
  }

  private row(label: string, ...content: Child[]): HTMLElement {
    return h('div', {}, h('dt', {}, label), h('dd', {}, ...content));
  }

  private facts(...rows: (HTMLElement | null)[]): HTMLElement {
    return h('dl', { class: 'facts narrow' }, ...rows);
  }

  private site(site: number): Child[] {
    const place = this.model.place(site);
    if (!place) return ['an unknown place'];
    const where = this.model.inFunction(site);
    return [h('code', { class: 'site' }, place), where ? h('span', { class: 'sub fn' }, `in ${where}`) : null];
  }

  private taskList(title: string, tasks: Task[], query: string): HTMLElement | null {
    if (tasks.length === 0) return null;
    const items = tasks.slice(0, MOST).map((t) =>
      h('li', {}, link(this.model, `task-${t.id}`), h('span', { class: 'sub-in' }, this.model.doing(t))));
    return h('section', {}, h('h3', {}, `${title} `, h('span', { class: 'n' }, tasks.length.toLocaleString('en'))),
      h('ul', { class: 'plain links' }, ...items),
      tasks.length > MOST
        ? h('button', { class: 'quiet', click: () => this.list(query) }, `All ${plural(tasks.length, 'task')}`) : null);
  }

  private task(id: number): HTMLElement[] {
    const m = this.model, t = m.task(id);
    if (t === undefined) {
      const g = m.ghost(id)!;
      return [this.facts(this.row('State', h('span', { class: 'state s-gone' }, 'finished')),
        g.site ? this.row('Spawned', 'at ', ...this.site(g.site)) : null,
        g.parent ? this.row('By', link(m, `task-${g.parent}`)) : null),
        ...this.children(id)];
    }
    const state = t.finding ? 'stranded' : STATES[t.state]?.replace(' ', '-');
    const marks = ['thread', 'daemon', 'pinned', 'main'].filter((_, i) => (t.flags >> i) & 1);
    const waits = t.relations.filter((r) => r.op !== Op.Holds);
    const holds = t.relations.filter((r) => r.op === Op.Holds);
    const verb: Record<number, string> = { [Op.Send]: 'send on ', [Op.Receive]: 'receive from ',
                                           [Op.Done]: 'end of ', [Op.Sync]: '', [Op.Join]: 'end of ' };
    const out: (HTMLElement | null)[] = [this.facts(
      this.row('State', h('span', { class: `state s-${state}` }, STATES[t.state] ?? ''),
               ...marks.map((mark) => h('span', { class: 'mark' }, mark))),
      t.finding ? this.row('Finding', h('a', { class: 'ref', href: `#F${t.finding}` },
        `F${t.finding}: ${m.findings[t.finding - 1]?.title ?? ''}`)) : null,
      this.row(t.wait ? 'Doing' : 'Last seen', t.wait ? m.doing(t) : '',
               t.age >= 0 ? h('span', { class: 'sub-in' }, `for ${span(t.age)}`) : null),
      this.row('At', ...this.site(t.site)),
      waits.length ? this.row('Waits for', h('ul', { class: 'plain' }, ...waits.slice(0, MOST).map((r) =>
        h('li', {}, verb[r.op] ?? '', link(m, refOf(r)))))) : null,
      holds.length ? this.row('Holds', h('ul', { class: 'plain' }, ...holds.map((r) =>
        h('li', {}, link(m, refOf(r)), r.site ? h('span', { class: 'sub' }, `since ${m.place(r.site)}`) : null)))) : null,
      this.row('Spawned', ...(t.spawnSite ? ['at ', ...this.site(t.spawnSite)] : ['not by Go()']),
               t.parent ? h('span', { class: 'by' }, 'by ', link(m, `task-${t.parent}`)) : null)),
      this.chain(t.context)];
    const stack = m.stack(t);
    if (stack && stack.frames.length) {
      out.push(h('section', { class: 'stack' }, h('h3', {}, 'Stack'),
        stack.of === t ? null : h('p', { class: 'sub' }, 'of ', link(m, `task-${stack.of.id}`),
                                  ', which waits at the same place'),
        frames(stack.frames)));
    }
    out.push(this.taskList('Joined by', m.related(`task-${id}`), `task:${id}`), ...this.children(id));
    return out.filter((e): e is HTMLElement => e !== null);
  }

  private children(id: number): HTMLElement[] {
    const list = this.taskList('Spawned', this.model.tasks.filter((t) => t.parent === id), `by:${id}`);
    return list ? [list] : [];
  }

  private chain(start: number): HTMLElement | null {
    const items: HTMLElement[] = [];
    for (let c = this.model.context(start), n = 0; c && n < 50; c = this.model.context(c.parent), ++n) {
      items.push(h('li', { class: c.err ? (c.origin === 0 || c.origin === c.id ? 'origin' : 'ended-too') : '' },
        h('b', {}, link(this.model, `context-${c.id}`, c.kind)),
        c.value ? h('code', {}, ` ${c.key} = ${c.value}`) : null,
        c.err ? h('span', { class: 'ended' }, ` ${c.err === 1 ? 'cancelled' : 'deadline exceeded'} ${ago(c.endedAgo)}`) : null,
        this.model.place(c.site) ? h('span', { class: 'sub' }, this.model.place(c.site)) : null));
    }
    if (items.length === 0) return null;
    return h('section', {}, h('h3', {}, 'Contexts'), h('ol', { class: 'chain' }, ...items));
  }

  private peer(label: string, p: Peer): HTMLElement | null {
    if (p.task === 0) return null;
    const name = p.name ? `task ${p.task} "${p.name}"` : `task ${p.task}`;
    const gone = this.model.task(p.task) === undefined ? 'it has finished' : '';
    return this.row(label, link(this.model, `task-${p.task}`, name), p.site ? ' at ' : '',
      p.site ? h('code', { class: 'site' }, this.model.place(p.site)) : null,
      h('span', { class: 'sub' }, [OUTCOMES[p.outcome], p.leftSite ? `at ${this.model.place(p.leftSite)}` : '', gone]
        .filter((s) => s).join(' · ')));
  }

  private channel(id: number): HTMLElement[] {
    const m = this.model, c = m.channel(id)!;
    const on = (op: Op): Task[] => m.related(`channel-${id}`)
      .filter((t) => t.relations.some((r) => r.op === op && r.id === id));
    return [this.facts(
      this.row('Type', h('code', {}, `Chan<${c.type || '?'}>`)),
      this.row('Capacity', `${c.capacity}`, c.capacity ? h('span', { class: 'sub-in' }, `${c.length} in it`)
        : h('span', { class: 'sub-in' }, 'unbuffered')),
      this.row('Made', 'at ', ...this.site(c.site), c.creator ? h('span', { class: 'by' }, 'by ', link(m, `task-${c.creator}`)) : null),
      this.row('Sends', `${c.sendsStarted} begun, ${c.sendsDone} completed`),
      this.row('Receives', `${c.receivesStarted} begun, ${c.receivesDone} completed`),
      c.closed ? this.row('Closed', c.closedBy ? link(m, `task-${c.closedBy}`) : '', ' ', ...(c.closedSite ? this.site(c.closedSite) : []))
        : this.row('Closed', 'no'),
      this.peer('Last sender', c.sender), this.peer('Last receiver', c.receiver)),
      this.taskList('Waiting to send', on(Op.Send), `channel:${id}`),
      this.taskList('Waiting to receive', on(Op.Receive), `channel:${id}`),
    ].filter((e): e is HTMLElement => e !== null);
  }

  private context(id: number): HTMLElement[] {
    const m = this.model, c = m.context(id)!;
    const below = m.contexts.filter((x) => x.parent === id);
    return [this.facts(
      this.row('Kind', c.kind),
      c.value ? this.row('Value', h('code', {}, `${c.key} = ${c.value}`)) : null,
      c.site ? this.row('Made', 'at ', ...this.site(c.site), c.creator ? h('span', { class: 'by' }, 'by ', link(m, `task-${c.creator}`)) : null) : null,
      c.err ? this.row('Ended', h('span', { class: 'ended' }, c.err === 1 ? 'cancelled' : 'deadline exceeded'), ` ${ago(c.endedAgo)}`,
        c.endedBy ? h('span', { class: 'by' }, 'by ', link(m, `task-${c.endedBy}`)) : null,
        c.endedSite ? h('span', { class: 'sub' }, `at ${m.place(c.endedSite)}`) : null,
        c.origin && c.origin !== id ? h('span', { class: 'by' }, 'with ', link(m, `context-${c.origin}`)) : null)
        : this.row('Ended', 'no'),
      c.cause ? this.row('Cause', c.cause) : null,
      c.flags & 1 ? this.row('Cancel', 'its last cancel function was dropped without a call') : null),
      c.parent ? this.chain(c.parent) : null,
      below.length ? h('section', {}, h('h3', {}, 'Contexts below ', h('span', { class: 'n' }, String(below.length))),
        h('ul', { class: 'plain links' }, ...below.slice(0, MOST).map((x) => h('li', {}, link(m, `context-${x.id}`),
          h('span', { class: 'sub-in' }, m.place(x.site)))))) : null,
      this.taskList('Tasks', m.tasksUnder(id), `context:${id}`),
    ].filter((e): e is HTMLElement => e !== null);
  }

  private sync(id: number): HTMLElement[] {
    const m = this.model, s = m.sync(id)!;
    const on = (holds: boolean): Task[] => m.related(`sync-${id}`)
      .filter((t) => t.relations.some((r) => r.id === id && (holds ? r.op === Op.Holds : r.op === Op.Sync)));
    return [this.facts(
      this.row('Kind', s.kind),
      this.row('Made', 'at ', ...this.site(s.site)),
      s.holder ? this.row('Held by', link(m, `task-${s.holder}`), s.holderSite ? h('span', { class: 'sub' }, `since ${m.place(s.holderSite)}`) : null) : null,
      s.counter ? this.row('Counter', String(s.counter)) : null,
      s.readers ? this.row('Readers', String(s.readers)) : null),
      this.taskList('Waiting', on(false), `sync:${id}`), this.taskList('Holding', on(true), `sync:${id}`),
    ].filter((e): e is HTMLElement => e !== null);
  }
}

function frame(f: Frame): HTMLElement {
  return h('li', { class: f.owner === 0 ? 'user' : 'other' }, h('code', {}, f.name),
           f.line ? h('code', { class: 'site' }, ` ${f.file}:${f.line}`) : null);
}

// Runs of frames that are not the user's are folded, as in the static page.
function frames(all: Frame[]): HTMLElement {
  const list = h('ol', { class: 'frames' });
  for (let i = 0; i < all.length;) {
    if (all[i]!.owner === 0) {
      list.append(frame(all[i++]!));
      continue;
    }
    let end = i;
    while (end < all.length && all[end]!.owner !== 0) ++end;
    list.append(h('li', { class: 'fold' }, h('details', {},
      h('summary', {}, `${plural(end - i, 'frame')} of the runtime and libraries`),
      h('ol', {}, ...all.slice(i, end).map(frame)))));
    i = end;
  }
  return list;
}
