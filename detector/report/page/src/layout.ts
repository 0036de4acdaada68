// Where the nodes and edges of a wait-for graph stand.
import dagre from '@dagrejs/dagre';
import type { Graph, GraphNode } from './waits';

export interface Point { x: number; y: number }
export interface Box extends Point { width: number; height: number }  // x and y are the middle
export interface Placed {
  width: number; height: number; boxes: Map<string, Box>;
  edges: { points: Point[]; label: Point }[];  // beside Graph.edges
}

const CHAR = 7.3, ROOM = 1200, EDGE = 12;
export const LINE = 17, PAD = 12;
const WIDEST = 44;

const cut = (text: string): string =>
  text.length <= WIDEST ? text : `${text.slice(0, 12)}…${text.slice(-(WIDEST - 13))}`;

// Of places only the file's name: the whole stands in the title.
export const textOf = (n: GraphNode): string[] =>
  [n.title, ...n.lines.filter((l) => l).map((l) => l.replace(/^\S*\/(?=[^/ ]+:\d+$)/, ''))].map(cut);

const sizeOf = (n: GraphNode): { width: number; height: number } => {
  const lines = textOf(n);
  return { width: Math.max(...lines.map((l) => l.length)) * CHAR + 2 * PAD + 6,
           height: lines.length * LINE + 2 * PAD - 4 };
};

const labelWidth = (label: string): number => label.length * 6.4 + 10;

// A ring stands as a ring; other graphs from left to right, or down where that is narrower.
export function place(graph: Graph): Placed {
  const order = ringOf(graph);
  if (order) return placeRing(graph, order);
  const across = placeLayers(graph, 'LR');
  if (across.width <= ROOM) return across;
  const down = placeLayers(graph, 'TB');
  return down.width < ROOM ? down : across;
}

function placeLayers(graph: Graph, rankdir: 'LR' | 'TB'): Placed {
  const layout = new dagre.graphlib.Graph({ multigraph: true });
  layout.setGraph({ rankdir, nodesep: 22, ranksep: rankdir === 'LR' ? 64 : 34, marginx: 8, marginy: 8 });
  for (const n of graph.nodes) layout.setNode(n.id, sizeOf(n));
  graph.edges.forEach((e, i) => {
    layout.setEdge(e.from, e.to, { width: labelWidth(e.label), height: 16, labelpos: 'c' }, String(i));
  });
  dagre.layout(layout);
  const size = layout.graph() as { width: number; height: number };
  return {
    width: size.width, height: size.height,
    boxes: new Map(graph.nodes.map((n) => [n.id, layout.node(n.id) as Box])),
    edges: graph.edges.map((e, i) => {
      const laid = layout.edge({ v: e.from, w: e.to, name: String(i) }) as { points: Point[] } & Point;
      return { points: laid.points, label: { x: laid.x, y: laid.y } };
    }),
  };
}

// The nodes in the order of their waits, if the whole graph is one ring of at least four.
function ringOf(graph: Graph): GraphNode[] | undefined {
  if (graph.edges.length !== graph.nodes.length || graph.nodes.length < 4) return undefined;
  const next = new Map(graph.edges.map((e) => [e.from, e.to]));
  const nodes = new Map(graph.nodes.map((n) => [n.id, n]));
  const order: GraphNode[] = [];
  for (let at = graph.nodes[0]!.id; !order.includes(nodes.get(at)!); at = next.get(at)!) {
    order.push(nodes.get(at)!);
    if (!next.has(at)) return undefined;
  }
  return order.length === graph.nodes.length ? order : undefined;
}

// There in one row and back in the one below.
function placeRing(graph: Graph, order: GraphNode[]): Placed {
  const top = Math.ceil(order.length / 2);
  const sizes = order.map(sizeOf);
  const gap = Math.max(...graph.edges.map((e) => labelWidth(e.label))) + 34;
  const column = Math.max(...sizes.map((s) => s.width)) + gap;
  const row = Math.max(...sizes.map((s) => s.height));
  const boxes = new Map<string, Box>();
  order.forEach((n, i) => {
    const back = i >= top;
    const slot = back ? order.length - 1 - i + (order.length % 2) / 2 : i;
    boxes.set(n.id, { ...sizes[i]!, x: 8 + (column - gap) / 2 + slot * column,
                      y: 8 + row / 2 + (back ? row + 62 : 0) });
  });
  return {
    width: top * column - gap + 16, height: 2 * row + 62 + 16, boxes,
    edges: graph.edges.map((e) => {
      const a = boxes.get(e.from)!, b = boxes.get(e.to)!;
      const from = border(a, b), to = border(b, a);
      return { points: [from, to], label: { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 } };
    }),
  };
}

// Where the line from the middle of `box` to that of `other` leaves it.
function border(box: Box, other: Box): Point {
  const dx = other.x - box.x, dy = other.y - box.y;
  const scale = Math.min(dx === 0 ? Infinity : box.width / 2 / Math.abs(dx),
                         dy === 0 ? Infinity : box.height / 2 / Math.abs(dy), EDGE);
  return { x: box.x + dx * scale, y: box.y + dy * scale };
}
