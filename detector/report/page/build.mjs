// Bundles src/ into dist/. With --check, says whether dist/ is what src/ gives.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const result = await build({
  absWorkingDir: here,
  entryPoints: { page: 'src/main.ts', style: 'src/page.css' },
  bundle: true, minify: true, write: false, outdir: 'dist', charset: 'utf8',
  target: ['es2022', 'chrome110', 'firefox115', 'safari16.4'], format: 'iife',
  legalComments: 'none',
});
const notice = '/* Stranded, Apache-2.0. Contains @dagrejs/dagre and @dagrejs/graphlib, MIT, ' +
  'Copyright (c) 2012-2014 Chris Pettitt */\n';
let stale = false;
for (const file of result.outputFiles) {
  const script = file.path.endsWith('.js');
  const name = join(here, 'dist', script ? 'page.js' : 'page.css');
  const text = (script ? notice : '') + file.text;
  // Both stand inside an element of the page, which such text would end.
  if (/<\/(script|style)|<!--/i.test(text)) throw new Error(`${name} would end its own element`);
  if (!process.argv.includes('--check')) {
    writeFileSync(name, text);
    console.log(`${name}: ${text.length} bytes`);
  } else if (readFileSync(name, 'utf8') !== text) {
    console.error(`${name} is not what src/ gives: ./run page builds it anew`);
    stale = true;
  }
}
process.exit(stale ? 1 : 0);
