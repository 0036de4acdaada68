// Light or dark: what the system says, until the reader says otherwise.
const KEY = 'stranded-theme';

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;  // no storage for this page
  }
}

const system = matchMedia('(prefers-color-scheme: dark)');

export function applyTheme(): void {
  const wanted = stored();
  document.documentElement.dataset.theme = wanted ?? (system.matches ? 'dark' : 'light');
}

export function toggleTheme(): void {
  const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try {
    if ((next === 'dark') === system.matches) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // The choice then holds for this visit.
  }
}

system.addEventListener('change', applyTheme);
