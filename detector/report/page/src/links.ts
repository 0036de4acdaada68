// Links from objects to objects: #task-7, #channel-1, #context-3, #sync-2, #F1.
import { h } from './dom';
import { Model } from './model';

export function exists(model: Model, ref: string): boolean {
  const [kind, number] = ref.split('-');
  const id = Number(number);
  switch (kind) {
    case 'task': return model.task(id) !== undefined || model.ghost(id) !== undefined;
    case 'channel': return model.channel(id) !== undefined;
    case 'context': return model.context(id) !== undefined;
    case 'sync': return model.sync(id) !== undefined;
    default: return false;
  }
}

export function refText(model: Model, ref: string): string {
  const [kind, number] = ref.split('-');
  const id = Number(number);
  if (kind === 'task') return model.taskText(id);
  if (kind === 'sync') return `${model.sync(id)?.kind ?? 'lock'} ${id}`;
  if (kind === 'context') return `${model.context(id)?.kind ?? 'context'} ${id}`;
  return `${kind} ${id}`;
}

export function link(model: Model, ref: string, text = refText(model, ref)): HTMLElement {
  if (!exists(model, ref)) return h('span', {}, text);
  return h('a', { href: `#${ref}`, class: `ref ref-${ref.split('-')[0]}` }, text);
}

// Turns the static page's marks, and "task 7" and "channel 1" in its sentences, into links.
export function upgradeLinks(model: Model, within: ParentNode): void {
  for (const mark of within.querySelectorAll<HTMLAnchorElement>('a[data-ref]')) {
    const ref = mark.dataset.ref!;
    if (!exists(model, ref)) continue;
    mark.href = `#${ref}`;
    mark.classList.add('ref');
  }
  for (const say of within.querySelectorAll('.say')) {
    for (const node of [...say.childNodes]) {
      if (node.nodeType === Node.TEXT_NODE) splitSentence(model, node as Text);
    }
  }
}

function splitSentence(model: Model, node: Text): void {
  const text = node.data;
  const parts: (Node | string)[] = [];
  let from = 0;
  for (const match of text.matchAll(/\b(task|channel) (\d+)(?: "[^"]*")?/g)) {
    const ref = `${match[1]}-${match[2]}`;
    if (!exists(model, ref)) continue;
    parts.push(text.slice(from, match.index), link(model, ref, match[0]));
    from = match.index + match[0].length;
  }
  if (parts.length > 0) node.replaceWith(...parts, text.slice(from));
}
