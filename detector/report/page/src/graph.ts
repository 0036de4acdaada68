// Draws a wait-for graph: laid out by dagre, nodes are links.
import dagre from '@dagrejs/dagre';
import { h, svg } from './dom';
import { exists } from './links';
import { Model } from './model';
import { waitGraph, type Graph, type GraphNode } from './waits';

const CHAR = 7.3, LINE = 17, PAD = 12, WIDEST = 44, ROOM = 1200;
let drawn = 0;

// Of places only the file's name: the whole stands in the title.
const textOf = (n: GraphNode): string[] =>
  [n.title, ...n.lines.filter((l) => l).map((l) => l.replace(/^\S*\/(?=[^/ ]+:\d+$)/, ''))].map(cut);

const cut = (text: string): string =>
  text.length <= WIDEST ? text : `${text.slice(0, 12)}…${text.slice(-(WIDEST - 13))}`;

type Layout = InstanceType<typeof dagre.graphlib.Graph>;

function sizeOf(layout: Layout): { width: number; height: number } {
  return { width: 0, height: 0, ...(layout.graph() as object) };
}

function lay(graph: Graph, rankdir: 'LR' | 'TB'): Layout {
  const layout = new dagre.graphlib.Graph({ multigraph: true });
  layout.setGraph({ rankdir, nodesep: 22, ranksep: rankdir === 'LR' ? 64 : 34, marginx: 8, marginy: 8 });
  for (const n of graph.nodes) {
    const lines = textOf(n);
    layout.setNode(n.id, {
      width: Math.max(...lines.map((l) => l.length)) * CHAR + 2 * PAD + 6,
      height: lines.length * LINE + 2 * PAD - 4,
    });
  }
  graph.edges.forEach((e, i) => {
    layout.setEdge(e.from, e.to, { width: e.label.length * 6.4 + 10, height: 16, labelpos: 'c' }, String(i));
  });
  dagre.layout(layout);
  return layout;
}

export function drawGraph(model: Model, number: number): HTMLElement | null {
  const graph = waitGraph(model, number);
  if (graph.edges.length === 0) return null;
  let layout = lay(graph, 'LR');
  // Long chains go down where that is narrower.
  if (sizeOf(layout).width > ROOM) {
    const down = lay(graph, 'TB');
    if (sizeOf(down).width < ROOM) layout = down;
  }

  const { width, height } = sizeOf(layout);
  const mark = `arrow-${++drawn}`;
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img',
                               'aria-label': 'Wait-for graph' }, arrow(mark, ''), arrow(`${mark}-c`, 'cycle'));
  // A little too wide is drawn smaller, much too wide scrolls.
  picture.style.minWidth = `${Math.round(width * 0.72)}px`;
  graph.edges.forEach((e, i) => {
    const laid = layout.edge({ v: e.from, w: e.to, name: String(i) }) as
      { points: { x: number; y: number }[]; x?: number; y?: number };
    const kind = `edge${e.soft ? ' soft' : ''}${e.cycle ? ' cycle' : ''}`;
    picture.append(svg('path', { class: kind, d: curve(laid.points),
                                 'marker-end': `url(#${mark}${e.cycle ? '-c' : ''})` }));
    if (laid.x !== undefined && laid.y !== undefined) {
      picture.append(svg('text', { class: `edge-label${e.cycle ? ' cycle' : ''}`, x: laid.x, y: laid.y + 4,
                                   'text-anchor': 'middle' }, e.label));
    }
  });
  for (const n of graph.nodes) {
    picture.append(box(model, n, layout.node(n.id) as { x: number; y: number; width: number; height: number }));
  }
  const cycle = graph.edges.some((e) => e.cycle);
  return h('section', { class: 'graph' },
    h('h3', {}, 'Who waits for whom', cycle ? h('span', { class: 'cycle-note' }, 'the red edges are a cycle') : null),
    h('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Wait-for graph, scrolls' }, picture));
}

function arrow(id: string, kind: string): SVGElement {
  return svg('marker', { id, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7,
                         orient: 'auto-start-reverse' }, svg('path', { d: 'M0,0.5 L7.5,4 L0,7.5 z', class: `tip ${kind}` }));
}

function box(model: Model, n: GraphNode, at: { x: number; y: number; width: number; height: number }): SVGElement {
  const x = at.x - at.width / 2, y = at.y - at.height / 2;
  const group = svg(exists(model, n.ref) ? 'a' : 'g', {
    class: `node n-${n.kind} ${n.tone}`, href: exists(model, n.ref) ? `#${n.ref}` : undefined,
    'data-node': n.id });
  group.append(svg('title', {}, [n.title, ...n.lines].filter((l) => l).join('\n')));
  if (n.times > 1) {
    group.append(svg('rect', { class: 'behind', x: x + 4, y: y + 4, width: at.width, height: at.height, rx: radius(n, at) }));
  }
  group.append(svg('rect', { class: 'box', x, y, width: at.width, height: at.height, rx: radius(n, at) }));
  textOf(n).forEach((line, i) => {
    group.append(svg('text', { class: i === 0 ? 'name' : 'line', x: x + PAD + (n.kind === 'channel' ? 4 : 0),
                               y: y + PAD + 10 + i * LINE }, line));
  });
  return group;
}

const radius = (n: GraphNode, at: { height: number }): number =>
  n.kind === 'channel' ? at.height / 2 : n.kind === 'sync' ? 2 : 7;

// Through the middle of each stretch, with the corners as handles.
function curve(points: { x: number; y: number }[]): string {
  const p = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`);
  if (points.length < 3) return `M${p.join(' L')}`;
  let d = `M${p[0]}`;
  for (let i = 1; i < points.length - 1; ++i) {
    const a = points[i]!, b = points[i + 1]!;
    const last = i === points.length - 2;
    d += ` Q${p[i]} ${last ? p[i + 1] : `${((a.x + b.x) / 2).toFixed(1)},${((a.y + b.y) / 2).toFixed(1)}`}`;
  }
  return d;
}
