// A search finds what has all its words. "channel:4" and "F1" are whole words: they are not in
// "channel:42" or "F12".
export type Matcher = (text: string) => boolean;

export function matcher(query: string): Matcher {
  const words = query.toLowerCase().split(/\s+/).filter((w) => w !== '')
    .map((w) => (/^(channel|context|sync|task|by):\d+$|^f\d+$/.test(w) ? `${w} ` : w));
  return (text) => words.every((w) => text.includes(w));
}
