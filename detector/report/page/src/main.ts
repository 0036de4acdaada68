// Makes a live page of the static one: views, search, links, keys. Without it the findings stand
// there all the same.
import { find, findAll, h } from './dom';
import { Findings, focusFinding, setOpen } from './findings';
import { drawGraph } from './graph';
import { helpDialog } from './help';
import { Inspector } from './inspector';
import { exists, upgradeLinks } from './links';
import { Model } from './model';
import { objectTable, taskTable, type Table } from './table';
import { applyTheme, toggleTheme } from './theme';
import { drawTimeline } from './timeline';
import { Tree } from './tree';

type View = 'findings' | 'tree' | 'tasks' | 'objects';
const VIEWS: [View, string][] = [['findings', 'Findings'], ['tree', 'Tree'], ['tasks', 'Tasks'], ['objects', 'Objects']];

document.documentElement.classList.add('js');
applyTheme();
document.addEventListener('DOMContentLoaded', () => {
  const element = document.getElementById('data');
  void load(element).then((raw) => new Page(new Model(raw)));
});

async function load(element: HTMLElement | null): Promise<unknown> {
  const text = element?.textContent ?? '{}';
  if (element?.dataset.packed === undefined) return JSON.parse(text);
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return JSON.parse(await new Response(stream).text());
}

class Page {
  private view: View = 'findings';
  private readonly main = find('main')!;
  private readonly search = h('input', { type: 'search', placeholder: 'Search', 'aria-label': 'Search (press /)',
                                         spellcheck: 'false', autocomplete: 'off' }) as HTMLInputElement;
  private readonly tabs = new Map<View, HTMLElement>();
  private readonly panels = new Map<View, HTMLElement>();
  private readonly findings: Findings;
  private readonly inspector: Inspector;
  private readonly help = helpDialog();
  private tree: Tree | undefined;
  private tasks: Table<never> | undefined;
  private objects: Table<never> | undefined;
  private opener: Element | null = null;

  constructor(private readonly model: Model) {
    const section = find('#findings')!;
    this.findings = new Findings(section);
    upgradeLinks(model, section);
    this.inspector = new Inspector(model, () => this.closeInspector(), (query) => this.list(query));
    const findingsPanel = h('div', { class: 'panel', id: 'panel-findings' });
    section.before(findingsPanel);
    findingsPanel.append(section, ...findAll('.rules'));
    this.panels.set('findings', findingsPanel);
    this.buildTop();
    this.drawLazily();
    document.body.append(this.inspector.element, this.help);
    document.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('click', (event) => {
      const a = (event.target as Element).closest('a[href^="#"]');
      if (a) this.opener = a;
    });
    window.addEventListener('hashchange', () => this.route());
    this.route();
    document.documentElement.dataset.ready = 'true';
  }

  private buildTop(): void {
    const tools = find('.tools')!;
    const nav = h('nav', { class: 'tabs', 'aria-label': 'Views' });
    const counts: Record<View, number> = {
      findings: this.model.findings.length, tree: 0, tasks: this.model.tasks.length,
      objects: this.model.channels.length + this.model.syncs.length + this.model.contexts.length };
    for (const [view, title] of VIEWS) {
      const tab = h('button', { 'data-view': view, click: () => this.show(view) }, title,
                    counts[view] ? h('span', { class: 'n' }, counts[view].toLocaleString('en')) : null);
      if (view !== 'findings' && this.model.tasks.length === 0) tab.setAttribute('disabled', '');
      this.tabs.set(view, tab);
      nav.append(tab);
    }
    let wait = 0;
    this.search.addEventListener('input', () => {
      clearTimeout(wait);
      wait = setTimeout(() => this.apply(), 60) as unknown as number;
    });
    tools.append(nav, h('label', { class: 'search' }, this.search, h('kbd', {}, '/')),
      h('button', { class: 'icon', id: 'theme', title: 'Dark or light (d)', 'aria-label': 'Dark or light',
                    click: toggleTheme }, h('span', { class: 'moon' })),
      h('button', { class: 'icon', id: 'help', title: 'Keys (?)', 'aria-label': 'Keys',
                    click: () => this.help.showModal() }, '?'));
    this.mark();
  }

  private mark(): void {
    for (const [view, tab] of this.tabs) tab.setAttribute('aria-current', view === this.view ? 'page' : 'false');
  }

  // A graph or timeline is drawn when its finding comes into sight.
  private drawLazily(): void {
    const watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const place = entry.target as HTMLElement;
        if (!entry.isIntersecting || place.childElementCount > 0) continue;
        watcher.unobserve(place);
        const number = Number(place.dataset.draw);
        for (const part of [drawGraph(this.model, number), drawTimeline(this.model, number)]) {
          if (part) place.append(part);
        }
      }
    }, { rootMargin: '400px' });
    for (const place of findAll('.draw')) watcher.observe(place);
  }

  show(view: View, focus = true): void {
    if (this.tabs.get(view)?.hasAttribute('disabled')) return;
    this.view = view;
    if (!this.panels.has(view)) {
      const panel = h('div', { class: 'panel', id: `panel-${view}` });
      this.panels.set(view, panel);
      this.main.append(panel);
      if (view === 'tree') panel.append((this.tree = new Tree(this.model)).element);
      if (view === 'tasks') panel.append((this.tasks = taskTable(this.model) as unknown as Table<never>).element);
      if (view === 'objects') panel.append((this.objects = objectTable(this.model) as unknown as Table<never>).element);
    }
    for (const [name, panel] of this.panels) panel.hidden = name !== view;
    document.body.dataset.view = view;
    this.mark();
    this.apply();
    if (focus) (view === 'tree' ? this.tree : view === 'tasks' ? this.tasks : view === 'objects' ? this.objects : undefined)?.focus();
  }

  private apply(): void {
    const query = this.search.value;
    if (this.view === 'findings') this.findings.search(query);
    if (this.view === 'tree') this.tree?.search(query);
    if (this.view === 'tasks') this.tasks?.search(query);
    if (this.view === 'objects') this.objects?.search(query);
  }

  private list(query: string): void {
    this.search.value = query;
    this.show('tasks');
  }

  // #F1, #task-7, #tree, ...: what the address says is what is shown.
  private route(): void {
    const hash = decodeURIComponent(location.hash.slice(1));
    if (exists(this.model, hash)) {
      this.inspector.show(hash);
      document.body.classList.add('inspecting');
      return;
    }
    this.hideInspector();
    const view = VIEWS.find(([name]) => name === hash)?.[0];
    if (view) return this.show(view);
    if (!hash) return;
    const target = document.getElementById(hash);
    if (!target) return;
    if (this.view !== 'findings') this.show('findings');
    if (!target.matches('article.finding')) return target.scrollIntoView();
    target.hidden = false;
    setOpen(target, true);
    focusFinding(target);
  }

  private hideInspector(): void {
    this.inspector.hide();
    document.body.classList.remove('inspecting');
  }

  private closeInspector(): void {
    this.hideInspector();
    history.pushState(null, '', '#');
    if (this.opener instanceof HTMLElement && this.opener.isConnected) this.opener.focus();
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || this.help.open) return;
    const typing = event.target === this.search;
    if (event.key === 'Escape') {
      if (typing && this.search.value) {
        this.search.value = '';
        this.apply();
      } else if (this.inspector.open) {
        this.closeInspector();
      } else if (typing) {
        this.search.blur();
      } else if (this.search.value) {
        this.search.value = '';
        this.apply();
      }
      return;
    }
    if (typing) {
      if (event.key === 'Enter' || event.key === 'ArrowDown') {
        if (this.view === 'findings') this.findings.step(1);
        else this.show(this.view);
        event.preventDefault();
      }
      return;
    }
    const actions: Record<string, () => void> = {
      '/': () => { this.search.focus(); this.search.select(); },
      '?': () => this.help.showModal(),
      d: toggleTheme,
      j: () => this.move(1), k: () => this.move(-1),
      o: () => this.fold(),
    };
    VIEWS.forEach(([view], i) => { actions[String(i + 1)] = () => this.show(view); });
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  private move(by: number): void {
    if (this.view === 'findings') this.findings.step(by);
    else this.show(this.view);
  }

  private fold(): void {
    const details = document.activeElement?.closest('article.finding')?.querySelector('details');
    if (details) details.open = !details.open;
  }
}
