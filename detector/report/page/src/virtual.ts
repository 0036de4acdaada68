// A list of rows of one height of which only those in sight are in the document.
import { h } from './dom';

export class VirtualList<T> {
  readonly element: HTMLElement;
  private rows: T[] = [];
  private readonly space = h('div', { class: 'v-space' });
  private first = -1;
  private last = -1;
  selected = -1;

  constructor(
    private readonly rowHeight: number, private readonly draw: (row: T, index: number) => HTMLElement,
    label: string, role: 'grid' | 'tree',
    private readonly onKey: (key: string, row: T, index: number) => boolean) {
    this.element = h('div', { class: 'v-list', role, tabindex: 0, 'aria-label': label }, this.space);
    this.element.addEventListener('scroll', () => this.render());
    this.element.addEventListener('keydown', (event) => this.key(event));
    this.element.addEventListener('focus', () => {
      if (this.selected < 0 && this.rows.length > 0) this.select(0);
    });
    new ResizeObserver(() => this.render()).observe(this.element);
  }

  show(rows: T[], keepScroll = false): void {
    this.rows = rows;
    this.space.style.height = `${rows.length * this.rowHeight}px`;
    this.element.setAttribute('aria-rowcount', String(rows.length));
    if (!keepScroll) {
      this.element.scrollTop = 0;
      this.selected = -1;
    }
    this.selected = Math.min(this.selected, rows.length - 1);
    this.first = this.last = -1;
    this.render();
  }

  refresh(): void {
    this.first = -1;
    this.render();
  }

  select(index: number): void {
    this.selected = Math.max(0, Math.min(this.rows.length - 1, index));
    const top = this.selected * this.rowHeight;
    const box = this.element;
    if (top < box.scrollTop) box.scrollTop = top;
    const below = top + this.rowHeight - box.clientHeight;
    if (below > box.scrollTop) box.scrollTop = below;
    this.refresh();
  }

  row(index: number): T { return this.rows[index]!; }

  private render(): void {
    const height = this.element.clientHeight || 600;
    const first = Math.max(0, Math.floor(this.element.scrollTop / this.rowHeight) - 6);
    const last = Math.min(this.rows.length, first + Math.ceil(height / this.rowHeight) + 12);
    if (first === this.first && last === this.last) return;
    this.first = first;
    this.last = last;
    const drawn: HTMLElement[] = [];
    for (let i = first; i < last; ++i) {
      const row = this.draw(this.rows[i]!, i);
      row.classList.add('v-row');
      row.style.top = `${i * this.rowHeight}px`;
      row.style.height = `${this.rowHeight}px`;
      row.setAttribute('aria-rowindex', String(i + 1));
      row.id = `${this.element.id}-row-${i}`;
      if (i === this.selected) {
        row.classList.add('selected');
        row.setAttribute('aria-selected', 'true');
        this.element.setAttribute('aria-activedescendant', row.id);
      }
      row.addEventListener('mousedown', () => { this.selected = i; });
      drawn.push(row);
    }
    this.space.replaceChildren(...drawn);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || this.rows.length === 0) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page,
      Home: -this.rows.length, End: this.rows.length,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      this.select(this.selected + step);
    } else if (this.selected < 0 ||
               !this.onKey(event.key, this.rows[this.selected]!, this.selected)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
