// The wait-for graph of one finding: which tasks, channels, locks and contexts are in it.
import { Model, Op, push, refOf, type Task } from './model';

export interface GraphNode {
  id: string; kind: 'task' | 'channel' | 'sync' | 'context' | 'more'; ref: string;
  title: string; lines: string[]; tone: '' | 'stuck' | 'ended' | 'gone'; times: number;
}
export interface GraphEdge { from: string; to: string; label: string; soft: boolean; cycle: boolean }
export interface Graph { nodes: GraphNode[]; edges: GraphEdge[] }

const MOST = 14;  // tasks drawn one by one

export function waitGraph(model: Model, number: number): Graph {
  return new Builder(model).build(number);
}

class Builder {
  private readonly nodes = new Map<string, GraphNode>();
  private readonly edges = new Map<string, GraphEdge>();
  private readonly pending: Task[] = [];

  constructor(private readonly model: Model) {}

  build(number: number): Graph {
    const tasks = this.model.tasks.filter((t) => t.finding === number);
    for (const group of this.groups(tasks)) this.group(group);
    // What those wait for that the finding's tasks wait for.
    for (let n = 0; this.pending.length > 0 && n < 3 * MOST; ++n) {
      const task = this.pending.shift()!;
      this.relations([task], `task-${task.id}`);
    }
    const edges = [...this.edges.values()];
    markCycles(edges);
    return { nodes: [...this.nodes.values()], edges };
  }

  // Tasks that wait alike for the same objects are one node; where there are too many, also those
  // that wait alike for objects made at one place.
  private groups(tasks: Task[]): Task[][] {
    const same = new Map<string, Task[]>();
    for (const t of tasks) {
      push(same, `${t.pattern}|${t.context}|${t.relations.map((r) => `${r.op}:${r.id}`).join()}`, t);
    }
    if (same.size <= MOST) return [...same.values()];
    const alike = new Map<string, Task[]>();
    for (const t of tasks) {
      push(alike, `${t.pattern}|${t.relations.map((r) => `${r.op}:${this.madeAt(refOf(r))}`).join()}`, t);
    }
    return [...alike.values()].sort((a, b) => b.length - a.length).slice(0, MOST);
  }

  private madeAt(ref: string): number {
    const [kind, id] = ref.split('-');
    if (kind === 'channel') return this.model.channel(Number(id))?.site ?? 0;
    if (kind === 'sync') return this.model.sync(Number(id))?.site ?? 0;
    return this.model.context(Number(id))?.site ?? 0;
  }

  private group(tasks: Task[]): void {
    const name = this.task(tasks[0]!.id, tasks.length);
    this.relations(tasks, name);
    const contexts = new Set(tasks.map((t) => t.context));
    if (contexts.size === 1) this.edge(name, this.context(tasks[0]!.context), 'context', true);
  }

  private relations(tasks: Task[], name: string): void {
    const first = tasks[0]!;
    first.relations.forEach((r, i) => {
      const all = new Set(tasks.map((t) => t.relations[i]?.id ?? r.id));
      const verb = r.op === Op.Send ? 'send' : r.op === Op.Receive ? 'receive' : r.op === Op.Done ? 'end of'
        : r.op === Op.Join ? 'joins' : 'waits for';
      if (r.op === Op.Holds) {
        this.edge(this.sync(r.id, all.size), name, 'held by');
      } else if (r.op === Op.Done) {
        this.edge(name, this.context(r.id, all.size), verb);
      } else if (r.op === Op.Join) {
        this.edge(name, this.follow(r.id), verb);
      } else {
        this.edge(name, r.op === Op.Sync ? this.sync(r.id, all.size) : this.channel(r.id, all.size), verb);
      }
    });
  }

  private edge(from: string, to: string, label: string, soft = false): void {
    if (!from || !to) return;
    const key = `${from}>${to}>${label}`;
    if (!this.edges.has(key)) this.edges.set(key, { from, to, label, soft, cycle: false });
  }

  private node(n: GraphNode): string {
    if (!this.nodes.has(n.id)) this.nodes.set(n.id, n);
    return n.id;
  }

  private task(id: number, times = 1): string {
    const t = this.model.task(id), ref = `task-${id}`;
    const name = t?.name ?? this.model.ghost(id)?.name ?? '';
    const title = times > 1 ? `${times.toLocaleString('en')} tasks${name ? ` "${name}"` : ''}`
      : `task ${id}${name ? ` "${name}"` : ''}`;
    return this.node({
      id: ref, kind: 'task', ref, title, times,
      lines: t === undefined ? ['finished'] : [this.model.doing(t), this.model.place(t.site)],
      tone: t === undefined ? 'gone' : t.state === 3 ? 'stuck' : '',
    });
  }

  // A task that others name; what it waits for itself is drawn, too.
  private follow(id: number): string {
    if (id === 0) return '';
    const known = this.nodes.has(`task-${id}`);
    const name = this.task(id);
    const task = this.model.task(id);
    if (!known && task) this.pending.push(task);
    return name;
  }

  private channel(id: number, times = 1): string {
    const c = this.model.channel(id), ref = `channel-${id}`;
    const fresh = !this.nodes.has(ref);
    this.node({
      id: ref, kind: 'channel', ref, times,
      title: times > 1 ? `${times.toLocaleString('en')} channels` : `channel ${id}`,
      lines: c === undefined ? [] : [
        `${c.type ? `Chan<${c.type}>` : 'Chan'}, ${c.capacity ? `${c.length} of ${c.capacity}` : 'unbuffered'}`,
        this.model.place(c.site)],
      tone: c?.closed ? 'ended' : '',
    });
    if (c && fresh && times === 1) {
      for (const [peer, word] of [[c.sender, 'last sender'], [c.receiver, 'last receiver']] as const) {
        // One that waits there itself is drawn by what it does.
        if (peer.task !== 0 && peer.outcome !== 2) this.edge(ref, this.task(peer.task), word, true);
      }
    }
    return ref;
  }

  private sync(id: number, times = 1): string {
    const s = this.model.sync(id), ref = `sync-${id}`;
    const fresh = !this.nodes.has(ref);
    this.node({
      id: ref, kind: 'sync', ref, times, tone: '',
      title: times > 1 ? `${times.toLocaleString('en')} locks` : `${s?.kind ?? 'lock'} ${id}`,
      lines: s === undefined ? [] : [this.model.place(s.site), s.counter ? `counter ${s.counter}` : ''],
    });
    if (s && fresh && times === 1 && s.holder) this.edge(ref, this.follow(s.holder), 'held by');
    return ref;
  }

  private context(id: number, times = 1): string {
    const c = this.model.context(id);
    if (c === undefined || (c.parent === 0 && c.err === 0)) return '';
    const ref = `context-${id}`;
    if (this.nodes.has(ref)) return ref;
    this.node({
      id: ref, kind: 'context', ref, times, title: `${c.kind} ${id}`,
      lines: [c.err ? (c.err === 1 ? 'cancelled' : 'deadline exceeded') : c.value && `${c.key} = ${c.value}`,
              this.model.place(c.site)],
      tone: c.err ? 'ended' : '',
    });
    if (c.err && c.origin && c.origin !== id) this.edge(ref, this.context(c.origin), 'ended with', true);
    else if (c.err && c.endedBy) this.edge(ref, this.task(c.endedBy), 'ended by', true);
    return ref;
  }
}

// An edge is part of a cycle where its start can be reached from its end.
function markCycles(edges: GraphEdge[]): void {
  const next = new Map<string, string[]>();
  for (const e of edges) if (!e.soft) push(next, e.from, e.to);
  for (const e of edges) {
    if (e.soft) continue;
    const seen = new Set<string>([e.to]);
    const stack = [e.to];
    while (stack.length > 0 && !seen.has(e.from)) {
      for (const to of next.get(stack.pop()!) ?? []) {
        if (!seen.has(to)) stack.push(to);
        seen.add(to);
      }
    }
    e.cycle = seen.has(e.from);
  }
}
