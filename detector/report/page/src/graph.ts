// Draws a wait-for graph; its nodes are links.
import { h, svg } from './dom';
import { LINE, PAD, place, textOf, type Box, type Point } from './layout';
import { exists } from './links';
import { Model } from './model';
import { waitGraph, type GraphNode } from './waits';

let drawn = 0;

export function drawGraph(model: Model, number: number): HTMLElement | null {
  const graph = waitGraph(model, number);
  if (graph.edges.length === 0) return null;
  const placed = place(graph);
  const { width, height } = placed;
  const mark = `arrow-${++drawn}`;
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img',
                               'aria-label': 'Wait-for graph' }, arrow(mark, ''), arrow(`${mark}-c`, 'cycle'));
  // A little too wide is drawn smaller, much too wide scrolls.
  picture.style.minWidth = `${Math.round(width * 0.72)}px`;
  graph.edges.forEach((e, i) => {
    const { points, label } = placed.edges[i]!;
    picture.append(
      svg('path', { class: `edge${e.soft ? ' soft' : ''}${e.cycle ? ' cycle' : ''}`, d: curve(points),
                    'marker-end': `url(#${mark}${e.cycle ? '-c' : ''})` }),
      svg('text', { class: `edge-label${e.cycle ? ' cycle' : ''}`, x: label.x, y: label.y + 4,
                    'text-anchor': 'middle' }, e.label));
  });
  for (const n of graph.nodes) picture.append(box(model, n, placed.boxes.get(n.id)!));
  const cycle = graph.edges.some((e) => e.cycle);
  return h('section', { class: 'graph' },
    h('h3', {}, 'Who waits for whom', cycle ? h('span', { class: 'cycle-note' }, 'the red edges are a cycle') : null),
    h('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Wait-for graph, scrolls' }, picture));
}

function arrow(id: string, kind: string): SVGElement {
  return svg('marker', { id, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7,
                         orient: 'auto-start-reverse' }, svg('path', { d: 'M0,0.5 L7.5,4 L0,7.5 z', class: `tip ${kind}` }));
}

function box(model: Model, n: GraphNode, at: Box): SVGElement {
  const x = at.x - at.width / 2, y = at.y - at.height / 2;
  const radius = n.kind === 'channel' ? at.height / 2 : n.kind === 'sync' ? 2 : 7;
  const link = exists(model, n.ref);
  const group = svg(link ? 'a' : 'g', { class: `node n-${n.kind} ${n.tone}`, 'data-node': n.id,
                                        href: link ? `#${n.ref}` : undefined });
  group.append(svg('title', {}, [n.title, ...n.lines].filter((l) => l).join('\n')));
  if (n.times > 1) {
    group.append(svg('rect', { class: 'behind', x: x + 4, y: y + 4, width: at.width, height: at.height, rx: radius }));
  }
  group.append(svg('rect', { class: 'box', x, y, width: at.width, height: at.height, rx: radius }));
  textOf(n).forEach((line, i) => {
    group.append(svg('text', { class: i === 0 ? 'name' : 'line', x: x + PAD + (n.kind === 'channel' ? 4 : 0),
                               y: y + PAD + 10 + i * LINE }, line));
  });
  return group;
}

// Through the middle of each stretch, with the corners as handles.
function curve(points: Point[]): string {
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
