// The data that stands in the page, decoded. The columns are written by html_data.cc.
import { plural } from './dom';

export const enum Op { Receive = 1, Send = 2, Done = 3, Sync = 5, Join = 6, Holds = 7 }
export interface Relation { op: Op; id: number; site: number }

export const STATES = ['unknown', 'runnable', 'running', 'blocked', 'sleeping', 'system call'];

export interface Task {
  id: number; name: string; state: number; wait: number; site: number; spawnSite: number;
  flags: number; pattern: number; context: number; age: number; parent: number; finding: number;
  stack: number; relations: Relation[];
}
export interface Ghost { id: number; name: string; site: number; parent: number }
export interface Context {
  id: number; parent: number; kind: string; site: number; err: number; endedAgo: number;
  endedBy: number; endedSite: number; cause: string; key: string; value: string; creator: number;
  origin: number; flags: number;
}
export interface Peer { task: number; name: string; site: number; outcome: number; leftSite: number }
export interface Channel {
  id: number; site: number; type: string; capacity: number; length: number; closed: boolean;
  sendsStarted: number; sendsDone: number; receivesStarted: number; receivesDone: number;
  creator: number; closedBy: number; closedSite: number; role: number; sender: Peer; receiver: Peer;
}
export interface Sync {
  id: number; kind: string; site: number; holder: number; holderSite: number; counter: number;
  waiters: number; readers: number;
}
export interface Frame { name: string; file: string; line: number; owner: number }
export interface Happened {
  ago: number; kind: number; task: number; object: number; site: number; arg: number;
}
export interface FindingInfo { tasks: number[]; count: number; title: string; verdict: string }

/* eslint-disable-next-line @typescript-eslint/no-explicit-any */
type Raw = any;

export class Model {
  readonly tasks: Task[] = [];
  readonly findings: FindingInfo[];
  readonly channels: Channel[] = [];
  readonly contexts: Context[] = [];
  readonly syncs: Sync[] = [];
  readonly events: Happened[];
  readonly waits: string[];
  readonly leftOut: number;
  readonly program: string;
  private readonly byTask = new Map<number, Task>();
  private readonly byGhost = new Map<number, Ghost>();
  private readonly byChannel = new Map<number, Channel>();
  private readonly byContext = new Map<number, Context>();
  private readonly bySync = new Map<number, Sync>();
  private waiting: Map<string, Task[]> | undefined;
  private under: Map<number, Task[]> | undefined;

  constructor(private readonly raw: Raw) {
    this.findings = raw.findings;
    this.program = raw.program;
    this.leftOut = raw.left_out ?? 0;
    this.waits = raw.waits ?? [];
    const text = (i: number): string => raw.strings[i];
    this.events = (raw.events ?? []).map(([ago, kind, task, object, site, arg]: number[]) =>
      ({ ago, kind, task, object, site, arg }));
    const t = raw.tasks ?? { id: [] };
    for (let i = 0; i < t.id.length; ++i) {
      const [name, state, wait, site, spawnSite, flags] = raw.patterns[t.pattern[i]];
      const relations: Relation[] = [];
      const flat: number[] = t.relations[i];
      for (let k = 0; k + 2 < flat.length; k += 3) {
        relations.push({ op: flat[k]!, id: flat[k + 1]!, site: flat[k + 2]! });
      }
      const task: Task = {
        id: t.id[i], name: text(name), state, wait, site, spawnSite, flags, pattern: t.pattern[i],
        context: t.context[i], age: t.age[i], parent: t.parent[i], finding: t.finding[i],
        stack: t.stack[i], relations,
      };
      this.tasks.push(task);
      this.byTask.set(task.id, task);
    }
    for (const [id, name, site, parent] of raw.ghosts ?? []) {
      this.byGhost.set(id, { id, name: text(name), site, parent });
    }
    for (const c of raw.contexts ?? []) {
      const context: Context = {
        id: c[0], parent: c[1], kind: text(c[2]), site: c[3], err: c[4], endedAgo: c[5],
        endedBy: c[6], endedSite: c[7], cause: text(c[8]), key: text(c[9]), value: text(c[10]),
        creator: c[11], origin: c[12], flags: c[13],
      };
      this.contexts.push(context);
      this.byContext.set(context.id, context);
    }
    const peer = (p: number[]): Peer =>
      ({ task: p[0]!, name: text(p[1]!), site: p[2]!, outcome: p[3]!, leftSite: p[4]! });
    for (const c of raw.channels ?? []) {
      const channel: Channel = {
        id: c[0], site: c[1], type: text(c[2]), capacity: c[3], length: c[4], closed: c[5] !== 0,
        sendsStarted: c[6], sendsDone: c[7], receivesStarted: c[8], receivesDone: c[9],
        creator: c[10], closedBy: c[11], closedSite: c[12], role: c[13], sender: peer(c[14]),
        receiver: peer(c[15]),
      };
      this.channels.push(channel);
      this.byChannel.set(channel.id, channel);
    }
    for (const s of raw.syncs ?? []) {
      const sync: Sync = {
        id: s[0], kind: text(s[1]), site: s[2], holder: s[3], holderSite: s[4], counter: s[5],
        waiters: s[6], readers: s[7],
      };
      this.syncs.push(sync);
      this.bySync.set(sync.id, sync);
    }
  }

  task = (id: number): Task | undefined => this.byTask.get(id);
  ghost = (id: number): Ghost | undefined => this.byGhost.get(id);
  channel = (id: number): Channel | undefined => this.byChannel.get(id);
  context = (id: number): Context | undefined => this.byContext.get(id);
  sync = (id: number): Sync | undefined => this.bySync.get(id);

  place(site: number): string {
    const [file, line] = this.raw.sites?.[site] ?? [0, 0];
    return line ? `${this.raw.strings[file]}:${line}` : '';
  }
  inFunction(site: number): string {
    return this.raw.strings[this.raw.sites?.[site]?.[2] ?? 0];
  }
  taskText(id: number): string {
    const name = this.byTask.get(id)?.name ?? this.byGhost.get(id)?.name ?? '';
    return name ? `task ${id} "${name}"` : `task ${id}`;
  }
  doing(task: Task): string {
    if (task.wait !== 0) return this.waits[task.wait]!;
    return STATES[task.state] ?? 'unknown';
  }
  // Its own frames, or those of a task that waits at the same place.
  stack(task: Task): { frames: Frame[]; of: Task } | undefined {
    let of: Task | undefined = task;
    if (task.stack === 0) {
      of = this.tasks.find((t) => t.pattern === task.pattern && t.stack !== 0);
    }
    if (of === undefined) return undefined;
    const frames = this.raw.stacks[of.stack].map((i: number): Frame => {
      const [name, file, line, owner] = this.raw.frames[i];
      return { name: this.raw.strings[name], file: this.raw.strings[file], line, owner };
    });
    return { frames, of };
  }

  // Tasks that wait for, or hold, an object: "channel-3", "sync-2", "context-5", "task-7".
  related(key: string): Task[] {
    if (this.waiting === undefined) {
      this.waiting = new Map();
      for (const task of this.tasks) {
        const seen = new Set<string>();
        for (const r of task.relations) {
          const to = refOf(r);
          if (!seen.has(to)) push(this.waiting, to, task);
          seen.add(to);
        }
      }
    }
    return this.waiting.get(key) ?? [];
  }
  tasksUnder(context: number): Task[] {
    if (this.under === undefined) {
      this.under = new Map();
      for (const task of this.tasks) push(this.under, task.context, task);
    }
    return this.under.get(context) ?? [];
  }
  // Of very many tasks the page holds a part.
  notHere(): string {
    return this.leftOut > 0 ? `, ${plural(this.leftOut, 'more task')} not in this page` : '';
  }
  // What a search in it sees.
  haystack(task: Task): string {
    let text = `${task.id} ${task.name} ${this.doing(task)} ${this.place(task.site)} ` +
      `${this.place(task.spawnSite)} ${this.inFunction(task.site)} context:${task.context} by:${task.parent} `;
    for (const r of task.relations) text += refOf(r).replace('-', ':') + ' ';
    if (task.finding) text += `F${task.finding} stranded `;
    return text.toLowerCase();
  }
}

export function refOf(relation: Relation): string {
  if (relation.op === Op.Done) return `context-${relation.id}`;
  if (relation.op === Op.Join) return `task-${relation.id}`;
  return `${relation.op < Op.Sync ? 'channel' : 'sync'}-${relation.id}`;
}

export function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
