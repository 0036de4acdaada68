// The keys, as a dialog.
import { h } from './dom';

const KEYS: [string, string][] = [
  ['/', 'search'], ['Esc', 'clear the search, close what is open'],
  ['1 2 3 4', 'findings, tree, tasks, objects'],
  ['j k', 'next and previous finding or row'], ['o Enter', 'fold a finding, open a row'],
  ['← →', 'fold and unfold in the tree'], ['d', 'dark or light'], ['?', 'this help'],
];

export function helpDialog(): HTMLDialogElement {
  const dialog = h('dialog', { class: 'help', 'aria-label': 'Keys' },
    h('h2', {}, 'Keys'),
    h('dl', {}, ...KEYS.map(([keys, what]) => h('div', {},
      h('dt', {}, ...keys.split(' ').map((k) => h('kbd', {}, k))), h('dd', {}, what)))),
    h('p', { class: 'sub' }, 'A search finds all words given; also channel:3, context:2, sync:1 and F1.'),
    h('form', { method: 'dialog' }, h('button', { class: 'chip' }, 'Close'))) as HTMLDialogElement;
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}
