// What a finding's tasks did, as lanes: running and blocked stretches, sends, receives and ends.
import { h, span, svg } from './dom';
import { link } from './links';
import { Model, type Happened } from './model';

// Numbers of EventKind in docs/stranded_dump.proto.
const enum Kind { Spawn = 1, Start, Finish, Park, Wake, Send, Receive, Close, Cancel, Lock, Unlock, Timer, Select, Pass, Context }
const NAMES = ['', 'spawns', 'starts', 'finishes', 'blocks', 'wakes', 'sends', 'receives', 'closes', 'is cancelled',
               'locks', 'unlocks', 'timer', 'selects', 'need not wait', 'makes a context'];
// A send or receive counts those like it that came right after it.
const times = (e: Happened): string =>
  [Kind.Send, Kind.Receive].includes(e.kind) && e.arg > 0 ? ` ${e.arg + 1} times` : '';
const MOST = 12, LANE = 26, LEFT = 168, TOP = 30, MOST_LISTED = 500, MOST_ENDS = 8;

interface Stretch { from: number; to: number; what: string; kind: 'run' | 'block' | 'sleep' | 'ready'; site: number }

export function drawTimeline(model: Model, number: number): HTMLElement | null {
  const lanes = chooseLanes(model, number);
  const seen = new Set(lanes);
  const contexts = contextsAbove(model, lanes);
  const channels = new Set(lanes.flatMap((id) => (model.task(id)?.relations ?? [])
    .filter((r) => r.op === 1 || r.op === 2).map((r) => r.id)));
  const events = model.events.filter((e) =>
    (e.kind === Kind.Cancel ? contexts.has(e.object) : e.kind === Kind.Close ? channels.has(e.object)
      : e.kind === Kind.Spawn || e.kind === Kind.Wake ? seen.has(e.arg) : seen.has(e.task)));
  if (events.length === 0) return null;
  const start = Math.max(...events.map((e) => e.ago));
  const holder = h('div', { class: 'scroll' });
  const draw = (): void => {
    const width = Math.max(520, holder.clientWidth || 900);
    holder.replaceChildren(picture(model, lanes, events, start, width));
  };
  let last = 0;
  new ResizeObserver(() => {
    if (holder.clientWidth === last) return;
    last = holder.clientWidth;
    draw();
  }).observe(holder);
  return h('section', { class: 'timeline' }, h('h3', {}, 'What happened',
    h('span', { class: 'legend' }, ...(['run', 'block', 'sleep'] as const).map((k) =>
      h('span', {}, h('i', { class: `key b-${k}` }), k === 'run' ? 'running or ready' : k === 'block' ? 'blocked' : 'sleeping')))),
    holder, eventList(model, events, start));
}

function chooseLanes(model: Model, number: number): number[] {
  const own = (model.findings[number - 1]?.tasks ?? []).slice(0, MOST);
  const others = new Set<number>();
  for (const id of own) {
    const t = model.task(id);
    if (!t) continue;
    if (t.parent) others.add(t.parent);
    for (const r of t.relations) {
      const channel = r.op === 1 || r.op === 2 ? model.channel(r.id) : undefined;
      for (const peer of [channel?.sender, channel?.receiver]) if (peer?.task) others.add(peer.task);
      const holder = r.op === 5 ? model.sync(r.id)?.holder : 0;
      if (holder) others.add(holder);
    }
  }
  return [...[...others].filter((id) => !own.includes(id)).slice(0, 6), ...own];
}

function contextsAbove(model: Model, lanes: number[]): Set<number> {
  const out = new Set<number>();
  for (const id of lanes) {
    for (let c = model.context(model.task(id)?.context ?? 0); c && !out.has(c.id); c = model.context(c.parent)) {
      out.add(c.id);
    }
  }
  return out;
}

function stretches(model: Model, id: number, events: Happened[], start: number): Stretch[] {
  const out: Stretch[] = [];
  let open: Stretch | undefined;
  const begin = (at: number, kind: Stretch['kind'], what: string, site = 0): void => {
    end(at);
    open = { from: at, to: 0, kind, what, site };
  };
  const end = (at: number): void => {
    if (open) out.push({ ...open, to: at });
    open = undefined;
  };
  for (const e of events) {
    if (e.kind === Kind.Spawn && e.arg === id) begin(e.ago, 'run', 'ready');
    else if (e.kind === Kind.Start && e.task === id) begin(e.ago, 'run', 'running');
    else if (e.kind === Kind.Park && e.task === id) {
      begin(e.ago, e.arg === 7 ? 'sleep' : 'block', model.waits[e.arg] ?? 'blocked', e.site);
    } else if (e.kind === Kind.Wake && e.arg === id) begin(e.ago, 'run', 'running');
    else if (e.kind === Kind.Finish && e.task === id) end(e.ago);
    else if (e.task === id && !open && out.length === 0) begin(start, 'run', 'running');
  }
  const now = model.task(id);
  if (now?.state === 3 && open?.kind !== 'block') {
    begin(Math.min(now.age < 0 ? 0 : now.age, open ? open.from : start), 'block', model.doing(now), now.site);
  }
  if (now) end(0);
  return out;
}

function picture(model: Model, lanes: number[], events: Happened[], start: number, width: number): SVGElement {
  const ends = contextEnds(events);
  const bottom = TOP + lanes.length * LANE + 4, height = bottom + ends.length * 14 + 4;
  const room = width - LEFT - 24;
  const x = (ago: number): number => LEFT + (start === 0 ? room : ((start - ago) / start) * room);
  const out = svg('svg', { width, height, role: 'img', 'aria-label': 'Timeline of the tasks' });
  for (const tick of ticks(start)) {
    const at = x(start - tick);
    out.append(svg('line', { class: 'tick', x1: at, x2: at, y1: TOP - 6, y2: bottom }),
               svg('text', { class: 'tick-label', x: at, y: TOP - 12, 'text-anchor': at > width - 50 ? 'end' : 'middle' }, tick === 0 ? '0' : `+${span(tick)}`));
  }
  lanes.forEach((id, i) => {
    const y = TOP + i * LANE;
    const name = model.taskText(id);
    out.append(svg('a', { href: `#task-${id}` }, svg('text', { class: 'lane', x: 4, y: y + 16 },
                                                     name.length > 23 ? `${name.slice(0, 22)}…` : name)));
    for (const s of stretches(model, id, events, start)) {
      out.append(svg('rect', { class: `b-${s.kind}`, x: x(s.from), y: y + 5, rx: 2,
                               width: Math.max(2, x(s.to) - x(s.from)), height: LANE - 10 },
        svg('title', {}, `${name}\n${s.what} for ${span(s.from - s.to)}${s.site ? `\nat ${model.place(s.site)}` : ''}`)));
    }
    for (const e of events) {
      if (e.task !== id || ![Kind.Send, Kind.Receive, Kind.Close, Kind.Select].includes(e.kind)) continue;
      out.append(svg('circle', { class: 'point', cx: x(e.ago), cy: y + LANE / 2, r: 3 },
        svg('title', {}, `${name} ${NAMES[e.kind]}${times(e)}\n${e.site ? `at ${model.place(e.site)}` : ''}`)));
    }
  });
  ends.forEach(({ ago, text }, i) => {
    const at = x(ago);
    const right = at > width / 2;
    out.append(svg('line', { class: 'cancel', x1: at, x2: at, y1: TOP - 4, y2: bottom + 14 * (i + 1) - 3 }),
               svg('text', { class: 'cancel-label', x: right ? at - 5 : at + 5, y: bottom + 14 * (i + 1) - 1,
                             'text-anchor': right ? 'end' : 'start' }, text));
  });
  return out;
}

// Contexts that ended at one time are one mark.
function contextEnds(events: Happened[]): { ago: number; text: string }[] {
  const at = new Map<string, { ago: number; ids: number[]; what: string }>();
  for (const e of events) {
    if (e.kind !== Kind.Cancel) continue;
    const what = e.arg === 2 ? 'passed the deadline' : 'cancelled';
    const key = `${e.ago} ${what}`;
    const end = at.get(key) ?? { ago: e.ago, ids: [], what };
    if (!end.ids.includes(e.object)) end.ids.push(e.object);
    at.set(key, end);
  }
  return [...at.values()].slice(-MOST_ENDS).map(({ ago, ids, what }) => ({
    ago, text: `${ids.length === 1 ? 'context' : 'contexts'} ${ids.slice(0, 6).sort((a, b) => a - b).join(', ')}` +
      `${ids.length > 6 ? ` and ${ids.length - 6} more` : ''} ${what}` }));
}

// About six, at round numbers from the first event on.
function ticks(start: number): number[] {
  if (start <= 0) return [0];
  const rough = start / 6;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((f) => f * unit).find((s) => s >= rough)!;
  const out: number[] = [];
  for (let t = 0; t <= start; t += step) out.push(t);
  return out;
}

function eventList(model: Model, events: Happened[], start: number): HTMLElement {
  const details = h('details', { class: 'events' }, h('summary', {}, `All ${events.length} events`));
  details.addEventListener('toggle', () => {
    if (details.childElementCount > 1) return;
    const rows = events.slice(-MOST_LISTED).map((e) => h('tr', {},
      h('td', { class: 'num' }, `+${span(start - e.ago)}`),
      h('td', {}, e.kind === Kind.Cancel ? link(model, `context-${e.object}`)
        : e.task ? link(model, `task-${e.task}`) : 'the runtime'),
      h('td', {}, NAMES[e.kind] ?? '', e.kind === Kind.Spawn || e.kind === Kind.Wake ? ' ' : '',
        e.kind === Kind.Spawn || e.kind === Kind.Wake ? link(model, `task-${e.arg}`)
        : e.kind === Kind.Park || e.kind === Kind.Pass ? h('span', { class: 'sub-in' }, model.waits[e.arg] ?? '')
        : [Kind.Send, Kind.Receive, Kind.Close].includes(e.kind) && e.object
          ? h('span', {}, ' ', link(model, `channel-${e.object}`), times(e)) : null),
      h('td', {}, h('code', {}, model.place(e.site)))));
    details.append(h('div', { class: 'scroll tall' }, h('table', {}, h('tbody', {}, ...rows))));
  }, { once: false });
  return details;
}
